// Listening.
export { type ListenAddress, LISTENER_DEFAULTS, type TlsCredentials } from './listener/listener.js'

// MQTT.
export { MqttFrontEnd, type MqttFrontEndOptions } from './mqtt/front-end.js'
export { MQTT_LIMITS, type MqttLimits } from './mqtt/limits.js'

// HTTP and WebSocket.
export { HttpsFrontEnd, type HttpsFrontEndOptions } from './http/front-end.js'
