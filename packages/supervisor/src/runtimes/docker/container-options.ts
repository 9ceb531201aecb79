import { isJsonObject, type JsonObject, type JsonValue, type ModuleSpecification } from '@edgewright/core'
import { labelsOf } from './labels.js'

/** What a gateway adds to a module's container. */
export interface ContainerPreparation {
  /** The whole environment, in place of the specification's own. */
  readonly environment?: Readonly<Record<string, string>>
  /** `host path:container path[:ro]`, after the module's own. */
  readonly binds?: readonly string[]
  /** `name:address`, after the module's own; `host-gateway` stands for the host. */
  readonly extraHosts?: readonly string[]
}

/**
 * The body of the engine's `POST /containers/create` for a module: its create options as they are, with our labels,
 * its image (or what it was pinned to), environment and network. Variables that create options set win, as in the original.
 */
export function containerOptions(
  specification: ModuleSpecification,
  preparation: ContainerPreparation = {},
  { network, scope }: { readonly network?: string | undefined; readonly scope?: string | undefined } = {},
  image = String(specification.settings.image),
): JsonObject {
  const options = objectOf(specification.settings.createOptions as JsonValue | undefined)
  const host = objectOf(options.HostConfig)
  const environment = preparation.environment ?? specification.environment
  // A module inside another's network has that one's hosts; the engine refuses more.
  const isInside = String(host.NetworkMode).startsWith('container:')
  return {
    ...options,
    ...networkOf(options, host, network),
    Image: image,
    Env: mergedEnvironment(environment, textsOf(options.Env)),
    Labels: { ...objectOf(options.Labels), ...labelsOf(specification, scope) },
    HostConfig: {
      ...host,
      ...appended('Binds', host, preparation.binds),
      ...appended('ExtraHosts', host, isInside ? [] : preparation.extraHosts),
    },
  }
}

function networkOf(options: JsonObject, host: JsonObject, network: string | undefined): JsonObject {
  const endpoints = objectOf(objectOf(options.NetworkingConfig).EndpointsConfig)
  const isChosen = network === undefined || Object.keys(endpoints).length > 0 || Boolean(host.NetworkMode)
  return isChosen ? {} : { NetworkingConfig: { EndpointsConfig: { [network]: {} } } }
}

function mergedEnvironment(environment: Readonly<Record<string, string>>, own: readonly string[]): readonly string[] {
  const taken = new Set(own.map(variable => variable.split('=', 1)[0]))
  const others = Object.entries(environment).filter(([name]) => !taken.has(name))
  return [...others.map(([name, value]) => `${name}=${value}`), ...own]
}

function appended(name: string, host: JsonObject, more: readonly string[] | undefined): JsonObject {
  return more === undefined || more.length === 0 ? {} : { [name]: [...textsOf(host[name]), ...more] }
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {}
}

function textsOf(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.filter(text => typeof text === 'string') : []
}
