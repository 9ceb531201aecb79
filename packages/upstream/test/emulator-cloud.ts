import { createMessage, type Identity, type JsonObject, sameIdentity } from '@edgewright/core'
import { createEmulator, type Emulator } from '@edgewright/emulator'
import { createSasToken } from '@edgewright/protocol'
import { testCertificates } from '@edgewright/testkit'
import type { CloudUnderTest, UpstreamUnderTest } from '@edgewright/testkit/upstream'
import { IotHubUpstream, type IotHubUpstreamOptions } from '../src/index.js'

const EDGE = 'edge'
const tls = testCertificates({ ipAddresses: ['127.0.0.1'] })
const SELF: Identity = { deviceId: EDGE, moduleId: '$edgeHub' }

/** An emulated hub, and what leads to it. */
export interface EmulatedHub extends UpstreamUnderTest {
  readonly upstream: IotHubUpstream
  readonly emulator: Emulator
}

/** A hub with an edge device, modules of it and devices behind it, and an upstream that is not started. */
export async function emulatedHub(options: Partial<IotHubUpstreamOptions> = {}): Promise<EmulatedHub> {
  const ports = { mqtt: 0, amqp: 0, https: 0 }
  const emulator = createEmulator({ address: '127.0.0.1', ports, tls, commands: { lockDuration: 200 } })
  await emulator.start()
  const { registry } = emulator
  registry.createDevice({ deviceId: EDGE, capabilities: { iotEdge: true } })
  const identities: Identity[] = [{ deviceId: EDGE }, { deviceId: EDGE, moduleId: 'sensor' }, { deviceId: 'leaf%1' }]
  registry.createModule({ deviceId: EDGE, moduleId: 'sensor' })

  registry.createDevice({ deviceId: 'leaf%1', parentId: EDGE })
  const { mqtt, amqp, https } = emulator.ports
  const upstream = new IotHubUpstream({
    host: emulator.hostName,
    gatewayHost: '127.0.0.1',
    ports: { mqtt, amqp, webSocket: https },
    ca: tls.ca,
    self: SELF,
    token: async (identity, resource, expiresAt) => {
      const { authentication } = registry.get(identity)
      if (authentication.type !== 'symmetricKey') throw new Error('no key')
      return createSasToken({ resource, expiresAt, key: authentication.primaryKey })
    },
    reconnect: { first: 10, most: 50 },
    identityRetry: { first: 10, most: 50 },
    ...options,
  })
  return { upstream, emulator, identities, cloud: cloudOf(emulator), dispose: () => emulator.stop() }
}

function cloudOf(emulator: Emulator): CloudUnderTest {
  return {
    arrived: identity =>
      emulator.events
        .snapshot(({ source, sender }) => source === 'Telemetry' && sameIdentity(sender, identity))
        .map(({ message }) => message),
    cut: () => emulator.faults.drop(),
    setReachable: isReachable =>
      isReachable ? emulator.faults.clear('cut') : void emulator.faults.inject({ kind: 'cut' }),
    setAdmitted: ({ deviceId }, isAdmitted) =>
      void emulator.registry.setStatus(deviceId, isAdmitted ? 'enabled' : 'disabled'),
    setThrottled: isThrottled =>
      isThrottled ? void emulator.faults.inject({ kind: 'throttle' }) : emulator.faults.clear('throttle'),
    twins: {
      setRefusing: isRefusing =>
        isRefusing
          ? void emulator.faults.inject({ kind: 'reject', of: 'report', as: 'ArgumentInvalid' })
          : emulator.faults.clear('reject'),
      reported: identity => emulator.twins.get(identity).reported.properties,
      change: (identity, desired) => emulator.twins.change(identity, { desired }, 'merge').desired.version,
    },
    callMethod: (identity, name, payload?: JsonObject) =>
      emulator.methods.invoke(identity, { name, payload, responseTimeout: 5_000, connectTimeout: 0 }),
    commands: {
      send: (identity, body) => emulator.commands.send(identity, createMessage({ body })),
      waiting: identity => emulator.commands.count(identity),
    },
  }
}
