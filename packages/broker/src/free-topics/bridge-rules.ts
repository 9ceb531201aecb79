import { createMessage, EdgewrightError, type Message } from '@edgewright/core'
import { type FilterLevels, isFree, isTopicName, matchesTopic, parseFilter } from './topic-filter.js'
import type { TopicMessage } from './topic-message.js'

/** The module as which a bridge takes part in routes when a rule names none. */
const DEFAULT_MODULE = 'topics'

/** Makes messages of a module, which routes can take, out of what is published on free topics. */
export interface ToRoutesRule {
  /** A topic filter. */
  readonly topics: string
  /** The module whose messages they become. @default 'topics' */
  readonly module?: string | undefined
  /** The output that they come from. @default none: they are telemetry of the module */
  readonly output?: string | undefined
  /** What the bodies are, for conditions that look into them: `application/json`. @default not said */
  readonly contentType?: string | undefined
  /** How the bodies are encoded, for conditions that look into them: `utf-8`. @default not said */
  readonly contentEncoding?: string | undefined
}

/** Publishes on a free topic what routes bring to an input of a module. */
export interface ToTopicsRule {
  /** The module. @default 'topics' */
  readonly module?: string | undefined
  readonly input: string
  /** Where to publish. `{{name}}` is an application property; a message without it is rejected. */
  readonly topic: string
  /** @default 1 */
  readonly qos?: 0 | 1 | 2 | undefined
  /** @default false */
  readonly retain?: boolean | undefined
}

/** How free topics and routes are joined. */
export interface BridgeRules {
  /** All that match apply. */
  readonly toRoutes?: readonly ToRoutesRule[] | undefined
  /** All with the module and the input apply. */
  readonly toTopics?: readonly ToTopicsRule[] | undefined
}

/** A message for a module's session. */
export interface ModuleMessage {
  readonly module: string
  readonly message: Message
}

/** Rules that were checked, and what they make of messages. */
export class CompiledBridgeRules {
  /** Every module that takes part; true when it has inputs. */
  readonly modules: ReadonlyMap<string, boolean>
  readonly #toRoutes: readonly { readonly filter: FilterLevels; readonly rule: ToRoutesRule }[]
  readonly #toTopics: readonly ToTopicsRule[]

  /** @throws `TOPIC_BRIDGE_RULE` */
  constructor({ toRoutes = [], toTopics = [] }: BridgeRules) {
    this.#toRoutes = toRoutes.map((rule, index) => {
      const filter = isFree(rule.topics) ? parseFilter(rule.topics) : undefined
      if (filter === undefined) throw invalid(`toRoutes[${index}].topics`, `${rule.topics} is no filter of free topics`)
      return { filter, rule }
    })
    toTopics.forEach(({ topic }, index) => {
      const sample = topic.replace(PROPERTY, 'x')
      if (isTopicName(sample) && isFree(sample)) return
      throw invalid(`toTopics[${index}].topic`, `${topic} is no free topic`)
    })
    this.#toTopics = toTopics
    const modules = new Map(toRoutes.map(rule => [moduleOf(rule), false]))
    for (const rule of toTopics) modules.set(moduleOf(rule), true)
    this.modules = modules
  }

  /**
   * What a message becomes for routes.
   *
   * @param publisher - the account or identity that published it
   */
  toRoutes(published: TopicMessage, publisher: string): readonly ModuleMessage[] {
    const { topic, payload, retain } = published
    return this.#toRoutes.flatMap(({ filter, rule }) => {
      if (!matchesTopic(filter, topic)) return []
      const properties = { topic, publisher, ...(retain ? { 'mqtt-retain': 'true' } : {}) }
      const { output: outputName, contentType, contentEncoding } = rule
      const system = { outputName, contentType, contentEncoding }
      return [{ module: moduleOf(rule), message: createMessage({ body: payload, properties, system }) }]
    })
  }

  /** What a routed message becomes on free topics; undefined when a rule cannot be followed, or there is none. */
  toTopics(module: string, input: string | undefined, message: Message): readonly TopicMessage[] | undefined {
    const rules = this.#toTopics.filter(rule => moduleOf(rule) === module && rule.input === input)
    const published = rules.map(rule => publishedBy(rule, message))
    const isWhole = published.length > 0 && !published.includes(undefined)
    return isWhole ? (published as readonly TopicMessage[]) : undefined
  }
}

function moduleOf({ module = DEFAULT_MODULE }: { readonly module?: string | undefined }): string {
  return module
}

const PROPERTY = /\{\{([^{}]+)\}\}/g

function publishedBy(rule: ToTopicsRule, { body, properties }: Message): TopicMessage | undefined {
  let isWhole = true
  const topic = rule.topic.replace(PROPERTY, (_whole, name: string) => {
    const value = properties.get(name)
    // A property is what its sender chose: it stays on its level of the topic.
    const isLevel = typeof value === 'string' && /^[^#+/\0]+$/.test(value)
    isWhole &&= isLevel
    return isLevel ? value : ''
  })
  const { qos = 1, retain = false } = rule
  return isWhole && isTopicName(topic) && isFree(topic) ? { topic, payload: body, qos, retain } : undefined
}

function invalid(place: string, fault: string): EdgewrightError {
  return new EdgewrightError('TOPIC_BRIDGE_RULE', `A rule between free topics and routes cannot be used: ${fault}`, {
    place,
    remedy: 'Topics of IoT Hub and those that start with $ are not free.',
  })
}
