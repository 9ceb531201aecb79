import { MqttFrontEnd } from '@edgewright/broker'
import type { SessionHost } from '@edgewright/core'

export const stored: string[] = []

// Whatever opens sessions can stand behind a front-end; in a gateway it is the hub.
const host: SessionHost = {
  authenticate: ({ identity }) => ({ accepted: true, identity }),
  openSession: async ({ identity }) => ({
    restored: new Set(),
    session: {
      identity,
      // The PUBACKs of this batch leave when the promise resolves.
      async send(batch) {
        for (const { body } of batch) stored.push(`${identity.deviceId}: ${Buffer.from(body)}`)
        return []
      },
      subscribe: async () => undefined,
      unsubscribe: async () => undefined,
      getTwin: async () => ({ desired: { properties: {}, version: 1 }, reported: { properties: {}, version: 1 } }),
      report: async () => undefined,
      close: () => undefined,
    },
  }),
}

export const frontEnd = new MqttFrontEnd({
  host,
  listen: { address: '127.0.0.1', port: 0 },
  tls: 'none', // or { certificate, key }; without TLS it listens on loopback addresses only
})
await frontEnd.start()
