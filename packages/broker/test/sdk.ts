import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import type { Identity } from '@edgewright/core'
import type { Client as DeviceClient, ModuleClient } from 'azure-iot-device'
import { HUB_HOST, KEY } from './memory-host.js'

const require = createRequire(import.meta.url)
const device = require('azure-iot-device') as typeof import('azure-iot-device')
const mqtt = require('azure-iot-device-mqtt') as typeof import('azure-iot-device-mqtt')
const amqp = require('azure-iot-device-amqp') as typeof import('azure-iot-device-amqp')
const { NoRetry } = require('azure-iot-common') as typeof import('azure-iot-common')

/** The transports of the SDK, by the name that a session has for them. */
export const TRANSPORTS = { mqtt: mqtt.Mqtt, 'mqtt-ws': mqtt.MqttWs, amqp: amqp.Amqp, 'amqp-ws': amqp.AmqpWs }
/** One of them. */
export type TransportName = keyof typeof TRANSPORTS

export const { Message } = device

/** Where a client of the SDK connects to, and how. */
export interface SdkClientOptions {
  readonly transport: TransportName
  /** `host:port`, or a host where the SDK insists on its own port. */
  readonly gateway: string
  readonly ca: string
  readonly key?: string
}

/** A device client that does not retry, so that tests see what happens. */
export async function deviceClient(identity: Identity, options: SdkClientOptions): Promise<DeviceClient> {
  const client = device.Client.fromConnectionString(connectionString(identity, options), TRANSPORTS[options.transport])
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca: options.ca })
  return client
}

/** A module client that does not retry. */
export async function moduleClient(identity: Identity, options: SdkClientOptions): Promise<ModuleClient> {
  const text = connectionString(identity, options)
  const client = device.ModuleClient.fromConnectionString(text, TRANSPORTS[options.transport])
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca: options.ca })
  return client
}

function connectionString({ deviceId, moduleId }: Identity, { gateway, key = KEY }: SdkClientOptions): string {
  const module = moduleId === undefined ? '' : `ModuleId=${moduleId};`
  return `HostName=${HUB_HOST};DeviceId=${deviceId};${module}SharedAccessKey=${key};GatewayHostName=${gateway}`
}

/** Whether this process may listen on a port of a loopback address. */
export function mayListen(address: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, address, () => server.close(() => resolve(true)))
  })
}
