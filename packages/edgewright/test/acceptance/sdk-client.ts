import { NoRetry } from 'azure-iot-common'
import {
  Client,
  type DeviceMethodRequest,
  type DeviceMethodResponse,
  Message,
  ModuleClient,
  SharedAccessKeyAuthenticationProvider,
  type Twin,
} from 'azure-iot-device'
import { TRANSPORTS, type TransportName } from './differences.js'
import type { Resident } from './house.js'

export type SdkClient = Client | ModuleClient

/** How a client of the SDK is made. */
export interface SdkClientOptions {
  readonly transport: TransportName
  /** PEM. */
  readonly ca: string
  /** In place of where the connection string leads to. */
  readonly via?: string
  /** Whether it connects again by itself after a loss. @default false */
  readonly retries?: boolean
  /** Seconds after which it renews its token. @default 45 minutes */
  readonly renewal?: number
}

/** An unmodified client of the Azure SDK, for a device or a module. */
export async function sdkClient(resident: Resident, options: SdkClientOptions): Promise<SdkClient> {
  const { via, renewal, retries = false, ca } = options
  const text = resident.connectionString.replace(/(?<=GatewayHostName=).*/, host => via ?? host)
  const validity = renewal === undefined ? [] : [renewal + 60, 60]
  const provider = SharedAccessKeyAuthenticationProvider.fromConnectionString(text, ...validity)
  const { transport } = TRANSPORTS[options.transport]
  const isDevice = resident.identity.moduleId === undefined
  const client = (isDevice ? Client : ModuleClient).fromAuthenticationProvider(provider, transport as never)
  if (!retries) client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca })
  return client
}

/** Answers a method, as a device or a module does. */
export function onMethod(
  client: SdkClient,
  name: string,
  answer: (request: DeviceMethodRequest, response: DeviceMethodResponse) => void,
): void {
  if (client instanceof ModuleClient) client.onMethod(name, answer as never)
  else client.onDeviceMethod(name, answer)
}

/** Reports properties. */
export function report(twin: Twin, patch: object): Promise<void> {
  return new Promise((resolve, reject) => {
    twin.properties.reported.update(patch, (error: Error | undefined) => (error ? reject(error) : resolve()))
  })
}

/** A message with a body and one application property, `number`. */
export function numbered(number: number): Message {
  const message = new Message(JSON.stringify({ number }))
  message.properties.add('number', String(number))
  return message
}
