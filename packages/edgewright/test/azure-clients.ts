import { once } from 'node:events'
import { createServer } from 'node:net'
import { NoRetry } from 'azure-iot-common'
import { Client, type Twin } from 'azure-iot-device'
import { Amqp, AmqpWs } from 'azure-iot-device-amqp'
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt'

/** The transports of the Azure device SDK. */
export const AZURE_TRANSPORTS = { mqtt: Mqtt, 'mqtt-ws': MqttWs, amqp: Amqp, 'amqp-ws': AmqpWs } as const

/** An unmodified device client of the Azure SDK that gives up at the first failure. */
export async function openAzureClient(
  connectionString: string,
  transport: keyof typeof AZURE_TRANSPORTS,
  ca: string,
): Promise<Client> {
  const client = Client.fromConnectionString(connectionString, AZURE_TRANSPORTS[transport])
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca })
  await client.open()
  return client
}

/** Changes reported properties, as the SDK does it. */
export function report(twin: Twin, patch: object): Promise<void> {
  return new Promise((resolve, reject) => {
    twin.properties.reported.update(patch, (error: Error | undefined) => (error ? reject(error) : resolve()))
  })
}

/** Whether this user may listen on a port; the SDK finds WebSockets on 443 only. */
export async function canBind(port: number, address: string): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, address)
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
