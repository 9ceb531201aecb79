import { Amqp, AmqpWs } from 'azure-iot-device-amqp'
import { Mqtt, MqttWs } from 'azure-iot-device-mqtt'

/** What the Azure device SDK can speak, by name. */
export const DEVICE_TRANSPORTS = [
  ['MQTT', Mqtt],
  ['MQTT over WebSocket', MqttWs],
  ['AMQP', Amqp],
  ['AMQP over WebSocket', AmqpWs],
] as const
