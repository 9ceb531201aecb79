// Listening.
export {
  type ListenAddress,
  Listener,
  LISTENER_DEFAULTS,
  type ListenerOptions,
  type TlsCredentials,
} from './listener/listener.js'
export { LOGIN_THROTTLE_DEFAULTS, LoginThrottle, type LoginThrottleOptions } from './login/login-throttle.js'

// MQTT.
export { MqttFrontEnd, type MqttFrontEndOptions } from './mqtt/front-end.js'
export { MQTT_LIMITS, type MqttLimits } from './mqtt/limits.js'
