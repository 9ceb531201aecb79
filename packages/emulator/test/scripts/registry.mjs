import iothub from 'azure-iothub'

const say = value => console.log(JSON.stringify(value))
const registry = iothub.Registry.fromConnectionString(process.env.CONNECTION_STRING)
const failure = promise =>
  promise.then(
    () => 'no failure',
    error => error.name,
  )

const created = (await registry.create({ deviceId: 'press', tags: {} })).responseBody
say({
  created: [
    created.deviceId,
    created.status,
    Buffer.from(created.authentication.symmetricKey.primaryKey, 'base64').length,
  ],
})
say({ twice: await failure(registry.create({ deviceId: 'press' })) })
say({ missing: await failure(registry.get('ghost')) })
say({
  updated: (await registry.update({ deviceId: 'press', status: 'disabled', statusReason: 'test' })).responseBody
    .statusReason,
})
await registry.update({ deviceId: 'press', status: 'enabled' })

await registry.addModule({ deviceId: 'press', moduleId: 'filter' })
say({ modules: (await registry.getModulesOnDevice('press')).responseBody.map(module => module.moduleId) })

const bulk = await registry
  .addDevices([{ deviceId: 'a' }, { deviceId: 'b' }, { deviceId: 'press' }])
  .catch(error => error)
say({ bulk: bulk.name ?? bulk.responseBody })
say({ listed: (await registry.list()).responseBody.map(device => device.deviceId) })

await registry.updateTwin('press', { tags: { site: 'north' }, properties: { desired: { interval: 5 } } }, '*')
const twin = (await registry.getTwin('press')).responseBody
say({ twin: [twin.tags, twin.properties.desired.interval, twin.properties.desired.$version] })
say({ stale: await failure(registry.updateTwin('press', { tags: { site: 'x' } }, 'another')) })

const pages = []
const query = registry.createQuery('SELECT * FROM devices', 2)
while (query.hasMoreResults) pages.push((await query.nextAsTwin()).result.map(twin => twin.deviceId))
say({ pages })
const where = registry.createQuery("SELECT deviceId FROM devices WHERE tags.site = 'north'", 10)
say({ where: (await where.next()).result })

await registry.create({ deviceId: 'gateway', capabilities: { iotEdge: true } })
const agent = { 'properties.desired': { modules: { sensor: { settings: { image: 'sensor:1' } } } } }
await registry.applyConfigurationContentOnDevice('gateway', {
  modulesContent: { $edgeAgent: agent, sensor: { 'properties.desired': { rate: 2 } } },
})
say({ applied: (await registry.getModuleTwin('gateway', 'sensor')).responseBody.properties.desired.rate })
await registry.addConfiguration({
  id: 'layer',
  content: { modulesContent: { sensor: { 'properties.desired.rate': 9 } } },
  targetCondition: "tags.site='south'",
  priority: 2,
})
say({ configurations: (await registry.getConfigurations()).responseBody.map(configuration => configuration.id) })
await registry.removeConfiguration('layer')

await registry.removeDevices([{ deviceId: 'a' }, { deviceId: 'b' }], true)
await registry.delete('press')
say({ left: (await registry.list()).responseBody.map(device => device.deviceId) })
