// Listening.
export { type ListenAddress, LISTENER_DEFAULTS, type TlsCredentials } from './listener/listener.js'

// MQTT.
export { MqttFrontEnd, type MqttFrontEndOptions } from './mqtt/front-end.js'
export { MQTT_LIMITS, type MqttLimits } from './mqtt/limits.js'

// AMQP.
export { AmqpFrontEnd, type AmqpFrontEndOptions } from './amqp/front-end.js'
export { AMQP_FRONT_END_LIMITS, type AmqpLimits } from './amqp/limits.js'

// HTTP and WebSocket.
export { HttpsFrontEnd, type HttpsFrontEndOptions } from './http/front-end.js'

// Free topics.
export type { AccessStatement, Authorization, TopicOperation } from './free-topics/access-policy.js'
export type { TopicAccount, TopicAuthenticator, TopicLogin } from './free-topics/accounts.js'
export type { BridgeRules, ToRoutesRule, ToTopicsRule } from './free-topics/bridge-rules.js'
export { FreeTopics, type FreeTopicsOptions } from './free-topics/free-topics.js'
export { TOPIC_LIMITS, type TopicLimits } from './free-topics/limits.js'
export { hashSecret } from './free-topics/secret.js'
export type { TopicMessage } from './free-topics/topic-message.js'
