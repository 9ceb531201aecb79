/** Control packet types of MQTT 3.1.1, section 2.2.1, that a client may send. */
export const PacketType = Object.freeze({
  connect: 1,
  publish: 3,
  puback: 4,
  subscribe: 8,
  unsubscribe: 10,
  pingreq: 12,
  disconnect: 14,
})
