import { Amqp } from 'azure-iot-device-amqp'
import { Mqtt } from 'azure-iot-device-mqtt'

/** What the Azure device SDK can speak, by name. */
export const DEVICE_TRANSPORTS = [
  ['MQTT', Mqtt],
  ['AMQP', Amqp],
] as const
