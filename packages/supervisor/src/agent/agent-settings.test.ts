import { describe, expect, it } from 'vitest'
import { readAgentSettings } from './agent-settings.js'

describe('readAgentSettings', () => {
  it('takes what means something here, in the units of the original', () => {
    const environment = {
      MaxRestartCount: '5',
      coolOffTimeUnitInSeconds: '2',
      IntensiveCareTimeInMinutes: '1',
      ConfigRefreshFrequencySecs: '60',
      RuntimeLogLevel: 'debug',
      UpstreamProtocol: 'MqttWs',
      DockerRegistryAuth__0__address: 'registry.example',
      DockerRegistryAuth__0__username: 'puller',
      'DockerRegistryAuth:0:password': 's3cret',
    }
    expect(readAgentSettings(environment)).toEqual({
      restarts: { maxRestarts: 5, firstDelay: 2_000, healthyAfter: 60_000 },
      refresh: 60_000,
      logLevel: 'debug',
      upstreamProtocol: 'MqttWs',
      credentials: [{ id: '0', address: 'registry.example', username: 'puller', password: 's3cret' }],
      ignored: [],
    })
  })

  it('names what it leaves alone', () => {
    const environment = {
      ...{
        StorageFolder: '/iotedge',
        MaxRestartCount: 'many',
        CoolOffTimeUnitInSeconds: '0',
        UpstreamProtocol: 'Http',
      },
      DockerRegistryAuth__1__address: 'alone.example',
    }
    expect(readAgentSettings(environment)).toEqual({
      ...{ restarts: {}, credentials: [] },
      ignored: ['StorageFolder', 'MaxRestartCount', 'CoolOffTimeUnitInSeconds', 'UpstreamProtocol'],
    })
  })
})
