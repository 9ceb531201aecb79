import { NoRetry } from 'azure-iot-common'
import { Client, Message } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'

/** An unmodified device client of the Azure SDK, connected over MQTT. */
export async function openDeviceClient(connectionString: string, ca: string): Promise<Client> {
  const client = Client.fromConnectionString(connectionString, Mqtt)
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca })
  await client.open()
  return client
}

/** A message of the Azure SDK. */
export function sdkMessage(body: string, properties: Readonly<Record<string, string>> = {}): Message {
  const message = new Message(body)
  for (const [name, value] of Object.entries(properties)) message.properties.add(name, value)
  return message
}
