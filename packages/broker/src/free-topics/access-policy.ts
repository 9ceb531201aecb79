import { EdgewrightError, type Identity, identityKey } from '@edgewright/core'
import { covers, type FilterLevels, isFree, matchesTopic, overlaps, parseFilter } from './topic-filter.js'

/** What a statement is about. */
export type TopicOperation = 'mqtt:connect' | 'mqtt:publish' | 'mqtt:subscribe'

/** Operations on the topics that some filters match. */
export interface AccessStatement {
  readonly operations: readonly TopicOperation[]
  /** Topic filters, with variables; needed unless connecting is the only operation. */
  readonly resources?: readonly string[] | undefined
}

/**
 * Whom statements are about, and what they say: the form of `mqttBroker.authorizations` of IoT Edge. Source: hub
 * reference, section 6.1.
 *
 * Variables stand in double braces and are the client's own: `{{iot:identity}}`, `{{iot:device_id}}`,
 * `{{iot:module_id}}` of a client that IoT Hub knows, `{{mqtt:username}}` (the account's name) of one that it does not,
 * `{{mqtt:client_id}}` of both; `{{iot:this_device_id}}` is the gateway's device.
 */
export interface Authorization {
  /** Clients that IoT Hub knows: `device`, `device/module`, or with variables; `{{iot:identity}}` is every one. */
  readonly identities?: readonly string[] | undefined
  /** Clients with an account of their own, by its name; `{{mqtt:username}}` is every one. */
  readonly accounts?: readonly string[] | undefined
  readonly allow?: readonly AccessStatement[] | undefined
  /** Takes precedence over everything that is allowed anywhere. */
  readonly deny?: readonly AccessStatement[] | undefined
}

/** Who wants something, once that is proved. */
export type TopicClient =
  | { readonly kind: 'identity'; readonly identity: Identity }
  | { readonly kind: 'account'; readonly name: string; readonly clientId: string }

/** What one client may do. */
export interface TopicAccess {
  readonly mayConnect: boolean
  mayPublish(topic: string): boolean
  /** Whether everything that the filter matches, now and ever, is the client's to read. */
  maySubscribe(filter: string): boolean
  /** Whether a message on this topic may be handed to the client. */
  mayReceive(topic: string): boolean
}

/**
 * Who may do what with free topics. What nobody allowed is denied, and what somebody denied is not allowed by anybody
 * else. Pure; compiled once, and once more for each client that comes.
 *
 * @throws `TOPIC_POLICY` when an authorization is not one, with the place
 */
export class AccessPolicy {
  readonly #authorizations: readonly Authorization[]
  readonly #deviceId: string

  /** @param deviceId - what `{{iot:this_device_id}}` stands for */
  constructor(authorizations: readonly Authorization[], deviceId: string) {
    authorizations.forEach(checkAuthorization)
    this.#authorizations = authorizations
    this.#deviceId = deviceId
  }

  /** What this client may do. */
  for(client: TopicClient): TopicAccess {
    const variables = variablesOf(client, this.#deviceId)
    const name = client.kind === 'identity' ? identityKey(client.identity) : client.name
    const isMeant = ({ identities = [], accounts = [] }: Authorization) =>
      (client.kind === 'identity' ? identities : accounts).some(pattern => fill(pattern, variables) === name)
    const meant = this.#authorizations.filter(isMeant)
    const allow = meant.flatMap(({ allow = [] }) => allow)
    const deny = meant.flatMap(({ deny = [] }) => deny)
    return new ClientAccess(allow, deny, asLevels(variables))
  }
}

class ClientAccess implements TopicAccess {
  readonly mayConnect: boolean
  readonly #publish: Rules
  readonly #subscribe: Rules

  constructor(allow: readonly AccessStatement[], deny: readonly AccessStatement[], variables: Variables) {
    const isAbout = (operation: TopicOperation) => (statement: AccessStatement) =>
      statement.operations.includes(operation)
    const rules = (operation: TopicOperation) =>
      new Rules(
        allow.filter(isAbout(operation)).flatMap(statement => resources(statement, variables, [])),
        deny.filter(isAbout(operation)).flatMap(statement => resources(statement, variables, [EVERYTHING])),
      )
    this.mayConnect = allow.some(isAbout('mqtt:connect')) && !deny.some(isAbout('mqtt:connect'))
    this.#publish = rules('mqtt:publish')
    this.#subscribe = rules('mqtt:subscribe')
  }

  mayPublish(topic: string): boolean {
    return this.#publish.allows(topic)
  }

  maySubscribe(filter: string): boolean {
    const levels = isFree(filter) ? parseFilter(filter) : undefined
    if (levels === undefined) return false
    const { allow, deny } = this.#subscribe
    return allow.some(wide => covers(wide, levels)) && !deny.some(other => overlaps(other, levels))
  }

  mayReceive(topic: string): boolean {
    return this.#subscribe.allows(topic)
  }
}

/** What is allowed and denied of one operation; the topics asked about last are remembered, as they come again. */
class Rules {
  readonly allow: readonly FilterLevels[]
  readonly deny: readonly FilterLevels[]
  #remembered: Map<string, boolean> | undefined

  constructor(allow: readonly FilterLevels[], deny: readonly FilterLevels[]) {
    this.allow = allow
    this.deny = deny
  }

  allows(topic: string): boolean {
    const known = this.#remembered?.get(topic)
    if (known !== undefined) return known
    const matches = (filter: FilterLevels) => matchesTopic(filter, topic)
    const isAllowed = isFree(topic) && this.allow.some(matches) && !this.deny.some(matches)
    if (this.#remembered === undefined || this.#remembered.size >= REMEMBERED) this.#remembered = new Map()
    this.#remembered.set(topic, isAllowed)
    return isAllowed
  }
}

/** Verdicts that one client's access remembers of each operation. */
const REMEMBERED = 32

/** The filters of a statement for one client; `otherwise` for one that names what the client does not have. */
function resources(statement: AccessStatement, variables: Variables, otherwise: readonly FilterLevels[]) {
  return (statement.resources ?? []).flatMap(resource => {
    const filled = fill(resource, variables)
    return filled === undefined ? otherwise : [parseFilter(filled)!]
  })
}

type Variables = Readonly<Record<string, string | undefined>>

function variablesOf(client: TopicClient, deviceId: string): Variables {
  if (client.kind === 'account') {
    return { 'mqtt:username': client.name, 'mqtt:client_id': client.clientId, 'iot:this_device_id': deviceId }
  }
  const key = identityKey(client.identity)
  const { deviceId: device, moduleId } = client.identity
  return {
    'iot:identity': key,
    'iot:device_id': device,
    'iot:module_id': moduleId,
    'mqtt:client_id': key,
    'iot:this_device_id': deviceId,
  }
}

/**
 * The variables as they may stand in a filter. Ids are what others chose, so one that reaches beyond its level (a
 * wildcard, a slash) is no value: it would widen what its client may do. The slash of a module's identity is ours.
 */
function asLevels(variables: Variables): Variables {
  const isModule = variables['iot:module_id'] !== undefined
  const isSafe = (name: string, value: string | undefined) => {
    const isPair = isModule && (name === 'iot:identity' || name === 'mqtt:client_id')
    return value !== undefined && (isPair ? /^[^#+/\0]+\/[^#+/\0]+$/ : /^[^#+/\0]+$/).test(value)
  }
  return Object.fromEntries(Object.entries(variables).filter(([name, value]) => isSafe(name, value)))
}

/** A text with the client's own values in it; undefined when there is none for one of the variables. */
function fill(text: string, variables: Variables): string | undefined {
  let isWhole = true
  const filled = text.replace(VARIABLE, (_whole, name: string) => {
    const value = variables[name]
    isWhole &&= value !== undefined
    return value ?? ''
  })
  return isWhole ? filled : undefined
}

const VARIABLE = /\{\{([^{}]*)\}\}/g
const VARIABLES = [
  ...['iot:identity', 'iot:device_id', 'iot:module_id', 'iot:this_device_id'],
  ...['mqtt:client_id', 'mqtt:username'],
]
const OPERATIONS: readonly string[] = ['mqtt:connect', 'mqtt:publish', 'mqtt:subscribe']
const EVERYTHING: FilterLevels = ['#']

function checkAuthorization(authorization: Authorization, index: number): void {
  const place = `authorizations[${index}]`
  const { identities = [], accounts = [], allow = [], deny = [] } = authorization
  if (identities.length + accounts.length === 0) throw invalid(place, 'names neither identities nor accounts')
  identities.forEach((text, at) => void checkVariables(text, `${place}.identities[${at}]`))
  accounts.forEach((text, at) => void checkVariables(text, `${place}.accounts[${at}]`))
  if (allow.length + deny.length === 0) throw invalid(place, 'neither allows nor denies anything')
  allow.forEach((statement, at) => void checkStatement(statement, `${place}.allow[${at}]`))
  deny.forEach((statement, at) => void checkStatement(statement, `${place}.deny[${at}]`))
}

function checkStatement({ operations, resources = [] }: AccessStatement, place: string): void {
  if (operations.length === 0) throw invalid(place, 'has no operation')
  const unknown = operations.find(operation => !OPERATIONS.includes(operation))
  if (unknown !== undefined) throw invalid(place, `has an operation that does not exist: ${unknown}`)
  if (resources.length === 0 && operations.some(operation => operation !== 'mqtt:connect')) {
    throw invalid(place, 'has no resources')
  }
  resources.forEach((resource, at) => {
    checkVariables(resource, `${place}.resources[${at}]`)
    const sample = resource.replace(VARIABLE, 'x')
    if (parseFilter(sample) === undefined) throw invalid(`${place}.resources[${at}]`, `is no topic filter: ${resource}`)
    if (!isFree(sample)) throw invalid(`${place}.resources[${at}]`, `is no filter of free topics: ${resource}`)
  })
}

function checkVariables(text: string, place: string): void {
  for (const [whole, name] of text.matchAll(VARIABLE)) {
    if (!VARIABLES.includes(name!)) throw invalid(place, `has a variable that does not exist: ${whole}`)
  }
}

function invalid(place: string, fault: string): EdgewrightError {
  return new EdgewrightError('TOPIC_POLICY', `The access policy ${fault}`, {
    place,
    remedy: `Operations are ${OPERATIONS.join(', ')}; variables ${VARIABLES.map(name => `{{${name}}}`).join(', ')}.`,
  })
}
