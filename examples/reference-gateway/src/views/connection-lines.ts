import type { Ready } from './view.js'

/** How to reach what runs, as lines of text. */
export function connectionLines({ hub, cloud, device, caFile }: Ready): string[] {
  return [
    `hub:     ${ports(hub)}`,
    `cloud:   ${cloud === undefined ? 'as configured' : ports(cloud)}`,
    ...(device === undefined
      ? []
      : ['To try a device SDK, over any protocol, give it these two:', `  ${device.connectionString}`]),
    `  CA file ${caFile}`,
  ]
}

/** `127.0.0.1, MQTT 8883, AMQP 5671, HTTPS 443` */
export function ports({ host, mqtt, amqp, https }: Ready['hub']): string {
  const bound = Object.entries({ MQTT: mqtt, AMQP: amqp, HTTPS: https }).filter(([, port]) => port !== undefined)
  return [host, ...bound.map(([name, port]) => `${name} ${port}`)].join(', ')
}
