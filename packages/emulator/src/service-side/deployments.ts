import { isJsonObject, type Identity, type JsonObject } from '@edgewright/core'
import type { Configuration } from '../state/configurations.js'
import {
  type ComposedModules,
  composeModules,
  deployedModules,
  isLayer,
  type ModulesContent,
  modulesContentFromJson,
  withPart,
} from '../state/deployment.js'
import type { HubState } from '../state/hub-state.js'
import { matches } from './query/evaluate.js'
import { parseCondition } from './query/parser.js'
import type { Condition } from './query/tree.js'
import { twinJson } from './rest/twin-json.js'

/** Who put a module there, so that a later deployment may take it away again. */
const MANAGED_BY = 'iotEdge'
const AGENT = '$edgeAgent'
const HUB = '$edgeHub'

/**
 * Brings deployments to devices: one that is applied by hand, and those that apply by themselves to what their condition
 * targets, as devices and tags come and go. Source: IoT Edge, automatic deployments.
 */
export class Deployments {
  readonly #state: HubState
  /** Bringing a deployment changes twins and modules, which is no reason to begin anew. */
  #isRunning = false

  constructor(state: HubState) {
    this.#state = state
    state.registry.watch(({ kind, entry }) => {
      if (kind !== 'removed' && entry.identity.moduleId === undefined) this.evaluate()
    })
    state.twins.watch(({ kind }) => {
      if (kind === 'tags') this.evaluate()
    })
    state.configurations.watch(() => this.evaluate())
  }

  /** Applies a deployment to one edge device, as it is. @throws `HUB_DEVICE_NOT_FOUND`, `HUB_ARGUMENT_INVALID` */
  apply(deviceId: string, content: ModulesContent): void {
    this.#state.registry.get({ deviceId })
    this.#bring(deviceId, composeModules([content]))
  }

  /** Whom a configuration is meant for. */
  targets({ content, targetCondition }: Configuration): readonly Identity[] {
    if (targetCondition === '') return []
    const fromModules = /^\s*from\s+devices\.modules\s+where\s+/i
    const isForModules = content.moduleContent !== undefined
    const condition = parseCondition(targetCondition.replace(fromModules, ''))
    const found: Identity[] = []
    for (const { identity, isEdgeDevice } of this.#state.registry.entries()) {
      if ((identity.moduleId !== undefined) !== isForModules) continue
      if (content.modulesContent !== undefined && !isEdgeDevice) continue
      if (this.#meets(condition, identity)) found.push(identity)
    }
    return found
  }

  /** The configurations in force on an edge device: the base, and the layers on it, lowest priority first. */
  inForce(deviceId: string): readonly Configuration[] {
    const meant = this.#state.configurations.list().filter(configuration => {
      if (configuration.content.modulesContent === undefined) return false
      return this.targets(configuration).some(target => target.deviceId === deviceId)
    })
    const isBase = ({ content }: Configuration) => !isLayer(modulesContentFromJson(content.modulesContent))
    const base = meant.find(isBase)
    if (base === undefined) return []
    return [base, ...meant.filter(other => !isBase(other) && other.priority > base.priority).reverse()]
  }

  /** Brings every automatic configuration to where it belongs by now. */
  evaluate(): void {
    if (this.#isRunning || this.#state.configurations.list().length === 0) return
    this.#isRunning = true
    try {
      for (const { identity, isEdgeDevice } of [...this.#state.registry.devices()]) {
        if (!isEdgeDevice) continue
        const layers = this.inForce(identity.deviceId).map(({ content }) =>
          modulesContentFromJson(content.modulesContent),
        )
        if (layers.length > 0) this.#bring(identity.deviceId, composeModules(layers))
      }
      this.#evaluateParts('deviceContent')
      this.#evaluateParts('moduleContent')
    } finally {
      this.#isRunning = false
    }
  }

  /** Configurations of devices and modules set parts of desired properties; the highest priority is set last. */
  #evaluateParts(kind: 'deviceContent' | 'moduleContent'): void {
    for (const configuration of [...this.#state.configurations.list()].reverse()) {
      const content = configuration.content[kind]
      if (!isJsonObject(content)) continue
      for (const identity of this.targets(configuration)) this.#setParts(identity, content)
    }
  }

  #setParts(identity: Identity, content: JsonObject): void {
    let desired = this.#state.twins.get(identity).desired.properties
    for (const [key, value] of Object.entries(content)) desired = withPart(desired, key, value)
    this.#setDesired(identity, desired)
  }

  #bring(deviceId: string, composed: ComposedModules): void {
    const { registry } = this.#state
    const wanted = deployedModules(composed)
    for (const { identity, managedBy } of [...registry.modules(deviceId)]) {
      const { moduleId = '' } = identity
      const isSystem = moduleId === AGENT || moduleId === HUB
      if (!isSystem && managedBy === MANAGED_BY && composed.has(AGENT) && !wanted.has(moduleId))
        registry.remove(identity)
    }
    for (const moduleId of new Set([...wanted, ...composed.keys()])) {
      if (registry.find({ deviceId, moduleId }) === undefined) {
        registry.createModule({ deviceId, moduleId, managedBy: MANAGED_BY })
      }
    }
    for (const [moduleId, desired] of composed) this.#setDesired({ deviceId, moduleId }, desired)
  }

  #setDesired(identity: Identity, desired: JsonObject): void {
    if (JSON.stringify(this.#state.twins.get(identity).desired.properties) === JSON.stringify(desired)) return
    this.#state.twins.change(identity, { desired }, 'replace')
  }

  #meets(condition: Condition | 'always', identity: Identity): boolean {
    return condition === 'always' || matches(condition, twinJson(identity, this.#state))
  }
}
