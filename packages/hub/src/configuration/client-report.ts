import type { Identity, JsonObject } from '@edgewright/core'

/** What the cloud is told of one client, in the original's shape. Source: edgeHub, `$edgeHub` reported properties. */
export interface ClientReport {
  readonly status: 'Connected' | 'Disconnected'
  readonly lastConnectedTimeUtc?: string
  readonly lastDisconnectedTimeUtc?: string
}

/** Clients that came and went since the last report; what is told of them, by key. */
export class ClientReports {
  #changes = new Map<string, ClientReport | null>()

  get isEmpty(): boolean {
    return this.#changes.size === 0
  }

  connected(identity: Identity, now: number): void {
    const lastConnectedTimeUtc = new Date(now).toISOString()
    this.#changes.set(reportKey(identity), { status: 'Connected', lastConnectedTimeUtc })
  }

  /** Modules stay in the report as disconnected; devices leave it. */
  disconnected(identity: Identity, now: number): void {
    const gone: ClientReport = { status: 'Disconnected', lastDisconnectedTimeUtc: new Date(now).toISOString() }
    this.#changes.set(reportKey(identity), identity.moduleId === undefined ? null : gone)
  }

  /** The changes as part of a patch; they count as told. */
  take(): JsonObject {
    const changes = Object.fromEntries(this.#changes) as unknown as JsonObject
    this.#changes = new Map()
    return changes
  }
}

/** Names of twin properties may not hold `.`, `$` and blanks. */
function reportKey({ deviceId, moduleId }: Identity): string {
  const id = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`
  return id.replace(/[.$ ]/g, character => ({ '.': '%2E', $: '%24', ' ': '%20' })[character]!)
}
