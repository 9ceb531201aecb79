import azureCommon from 'azure-iot-common'
import azureDevice from 'azure-iot-device'
import azureAmqp from 'azure-iot-device-amqp'
import azureMqtt from 'azure-iot-device-mqtt'

// Node finds no names in these modules, which are CommonJS.
const { NoRetry } = azureCommon
const { Client } = azureDevice
const { Amqp, AmqpWs } = azureAmqp
const { Mqtt, MqttWs } = azureMqtt

const TRANSPORTS = { mqtt: Mqtt, 'mqtt-ws': MqttWs, amqp: Amqp, 'amqp-ws': AmqpWs } as const

/** A transport of Azure's device SDK. */
export type AzureTransport = keyof typeof TRANSPORTS

/** All of them. */
export const AZURE_TRANSPORTS = Object.keys(TRANSPORTS) as readonly AzureTransport[]

/** Which client is to listen, and how. */
export interface PaceListenerOptions {
  readonly deviceId: string
  readonly connectionString: string
  readonly transport: AzureTransport
  /** PEM. */
  readonly ca: string
}

/** A client that is told of the desired property `pace`. */
export interface PaceListener {
  readonly deviceId: string
  readonly transport: AzureTransport
  /** Resolves when it has been told that. */
  told(pace: number): Promise<void>
  close(): Promise<unknown>
}

/** Connects an unmodified device client of the Azure SDK that listens for the desired property `pace`. */
export async function listenForPace(options: PaceListenerOptions): Promise<PaceListener> {
  const { deviceId, connectionString, transport, ca } = options
  const client = Client.fromConnectionString(connectionString, TRANSPORTS[transport])
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca })
  await client.open()
  const twin = await client.getTwin()
  let latest = 0
  let onChange: () => unknown = () => undefined
  twin.on('properties.desired', ({ pace }: { pace?: number }) => {
    latest = pace ?? latest
    onChange()
  })
  return {
    deviceId,
    transport,
    told: pace =>
      new Promise(resolve => {
        onChange = () => latest >= pace && resolve()
        onChange()
      }),
    close: () => client.close(),
  }
}
