import { createGateway, freeTopics, type Gateway, type GatewayOptions, hashSecret, mqtt } from 'edgewright'

export async function hallGateway(basics: GatewayOptions, password: string): Promise<Gateway> {
  return createGateway({
    ...basics,
    listen: [mqtt({ address: '127.0.0.1', port: 0 })],
    topics: freeTopics({
      accounts: [{ name: 'meter', secret: await hashSecret(password) }],
      authorizations: [
        {
          accounts: ['{{mqtt:username}}'],
          allow: [
            { operations: ['mqtt:connect'] },
            { operations: ['mqtt:publish'], resources: ['hall/{{mqtt:client_id}}/#'] },
            { operations: ['mqtt:subscribe'], resources: ['hall/#'] },
          ],
          deny: [{ operations: ['mqtt:subscribe'], resources: ['hall/+/secret'] }],
        },
        {
          identities: ['{{iot:identity}}'],
          allow: [
            { operations: ['mqtt:connect'] },
            { operations: ['mqtt:subscribe', 'mqtt:publish'], resources: ['hall/{{iot:device_id}}/#'] },
          ],
        },
      ],
      bridge: {
        toRoutes: [{ topics: 'hall/+/air', output: 'air', contentType: 'application/json', contentEncoding: 'utf-8' }],
        toTopics: [{ input: 'alarms', topic: 'hall/{{publisher}}/alarm', retain: true }],
      },
    }),
    routes: {
      hot: `FROM /messages/modules/topics/outputs/air WHERE $body.celsius > 30
            INTO BrokeredEndpoint("/modules/topics/inputs/alarms")`,
    },
  })
}
