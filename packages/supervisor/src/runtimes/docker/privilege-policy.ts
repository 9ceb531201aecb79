import { isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { moduleForbidden } from '../module-error.js'

/** What modules of a deployment may have of the machine. Everything by default: createOptions mean what they say. */
export interface PrivilegePolicy {
  /** `HostConfig.Privileged`, and options of security that weaken the container. @default true */
  readonly privileged?: boolean
  /** Namespaces of the host or of another container: network, processes, IPC, users. @default true */
  readonly hostNetwork?: boolean
  /** Files of the host: all, none, or those at or below these paths. @default true */
  readonly hostMounts?: boolean | readonly string[]
  /** Added capabilities: all, none, or these, as `NET_ADMIN`. @default true */
  readonly capabilities?: boolean | readonly string[]
  /** Devices of the host. @default true */
  readonly devices?: boolean
}

/** Nothing that reaches out of the container: for gateways whose deployments come from others. */
export const CONFINED: Required<PrivilegePolicy> = Object.freeze({
  privileged: false,
  hostNetwork: false,
  hostMounts: false,
  capabilities: false,
  devices: false,
})

/** A value and where it stands, as `HostConfig.Binds`. */
type Found = readonly [place: string, value: JsonValue]

/**
 * Refuses create options that ask for more than the policy permits. The engine reads names of members without regard to
 * case, so they are looked for in any.
 *
 * @throws `MODULE_FORBIDDEN`, naming the option
 */
export function assertPermitted(module: string, options: JsonObject, policy: PrivilegePolicy): void {
  for (const [place, value] of demands(options, policy)) {
    throw moduleForbidden(module, `${place}: ${JSON.stringify(value).slice(0, 200)}`)
  }
}

/** What the options ask for that is not permitted. */
function* demands(options: JsonObject, policy: PrivilegePolicy): Generator<Found> {
  const { privileged = true, hostNetwork = true, hostMounts = true, capabilities = true, devices = true } = policy
  if (!privileged) yield* privileges(options)
  if (!hostNetwork) yield* sharedNamespaces(options)
  if (hostMounts !== true) yield* mounts(options, hostMounts === false ? [] : hostMounts)
  if (capabilities !== true) yield* addedCapabilities(options, capabilities === false ? [] : capabilities)
  if (!devices) {
    for (const name of ['Devices', 'DeviceRequests', 'DeviceCgroupRules']) yield* asked(options, `HostConfig.${name}`)
  }
}

function* privileges(options: JsonObject): Generator<Found> {
  for (const name of [
    'Privileged',
    'SecurityOpt',
    'CgroupParent',
    'Runtime',
    'MaskedPaths',
    'ReadonlyPaths',
    'Sysctls',
  ]) {
    yield* name.endsWith('Paths') ? at(options, `HostConfig.${name}`) : asked(options, `HostConfig.${name}`)
  }
}

function* sharedNamespaces(options: JsonObject): Generator<Found> {
  for (const name of ['NetworkMode', 'PidMode', 'IpcMode', 'UTSMode', 'UsernsMode', 'CgroupnsMode', 'Cgroup']) {
    for (const [place, value] of at(options, `HostConfig.${name}`)) {
      if (/^(host|container:)/i.test(String(value))) yield [place, value]
    }
  }
  for (const [place, networks] of at(options, 'NetworkingConfig.EndpointsConfig')) {
    if (isJsonObject(networks) && 'host' in networks) yield [place, 'host']
  }
}

function* mounts(options: JsonObject, permitted: readonly string[]): Generator<Found> {
  yield* asked(options, 'HostConfig.VolumesFrom')
  for (const [place, binds] of at(options, 'HostConfig.Binds')) {
    for (const bind of listOf(binds)) {
      const source = String(bind).split(':')[0] ?? ''
      if (isHostPath(source) && !isWithin(source, permitted)) yield [place, bind]
    }
  }
  for (const [place, all] of at(options, 'HostConfig.Mounts')) {
    for (const mount of listOf(all)) if (isJsonObject(mount) && !isPermitted(mount, permitted)) yield [place, mount]
  }
}

/** A volume that its driver binds to a device or a folder is a mount of the host as well. */
function isPermitted(mount: JsonObject, permitted: readonly string[]): boolean {
  const [type = 'volume'] = [...at(mount, 'Type')].map(([, value]) => String(value).toLowerCase())
  if (type === 'tmpfs') return true
  if (type === 'volume') return [...asked(mount, 'VolumeOptions.DriverConfig')].length === 0
  const sources = [...at(mount, 'Source')].map(([, value]) => String(value))
  return type === 'bind' && sources.length === 1 && isWithin(sources[0]!, permitted)
}

function* addedCapabilities(options: JsonObject, permitted: readonly string[]): Generator<Found> {
  const plain = (name: string) => name.toUpperCase().replace(/^CAP_/, '')
  const allowed = new Set(permitted.map(plain))
  for (const [place, added] of at(options, 'HostConfig.CapAdd')) {
    for (const name of listOf(added)) if (!allowed.has(plain(String(name)))) yield [place, name]
  }
  // An older spelling that names all of them.
  yield* asked(options, 'HostConfig.Capabilities')
}

/** What stands at a path and asks for something: not false, empty or null. */
function* asked(options: JsonObject, path: string): Generator<Found> {
  for (const [place, value] of at(options, path)) {
    const isEmpty = Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0
    if (value !== null && value !== false && value !== '' && !isEmpty) yield [place, value]
  }
}

/** Everything that stands at a path, in any case of its names. */
function* at(object: JsonValue, path: string): Generator<Found> {
  const [name = '', ...rest] = path.split('.')
  if (!isJsonObject(object)) return
  for (const [key, value] of Object.entries(object)) {
    if (foldCase(key) !== foldCase(name)) continue
    if (rest.length === 0) yield [key, value]
    else for (const [place, found] of at(value, rest.join('.'))) yield [`${key}.${place}`, found]
  }
}

/** As Go's reader of JSON compares names: two letters beyond ASCII count as ASCII ones there. */
function foldCase(name: string): string {
  return name.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase()
}

function listOf(value: JsonValue): readonly JsonValue[] {
  if (value === null) return []
  return Array.isArray(value) ? value : [value]
}

/** Anything else is the name of a volume. */
function isHostPath(source: string): boolean {
  return !/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(source)
}

/** Whether a path is one of these or lies below; one that climbs up does not. */
function isWithin(path: string, permitted: readonly string[]): boolean {
  if (path.split('/').includes('..')) return false
  const clean = path.replace(/\/{2,}/g, '/')
  return permitted.some(place => clean === place || clean.startsWith(place.endsWith('/') ? place : `${place}/`))
}
