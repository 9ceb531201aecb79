import { Refusal } from '../refusal.js'

/** Not a shape of the topic table. */
export const UNKNOWN_TOPIC = new Refusal('the topic is not one of the topic table', 0)

/** Well-formed, but of another identity than the connection's. */
export const OTHER_IDENTITY = new Refusal("the topic names another identity than the connection's", 0)

/** [MQTT-1.5.3-1], [MQTT-1.5.3-2] */
export const NOT_TEXT = new Refusal('the topic is not well-formed text', 0)

/** [MQTT-3.3.2-2] */
export const WILDCARD = new Refusal('a topic name contains a wildcard', 0)

/** The answer could not be matched with it. */
export const NO_REQUEST_ID = new Refusal('the topic has no $rid', 0)
