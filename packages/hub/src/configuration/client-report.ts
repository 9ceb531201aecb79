import type { Identity, JsonObject } from '@edgewright/core'

/** What the cloud is told of one client, in the original's shape. Source: edgeHub, `$edgeHub` reported properties. */
export interface ClientReport {
  readonly status: 'Connected' | 'Disconnected'
  readonly lastConnectedTimeUtc?: string
  readonly lastDisconnectedTimeUtc?: string
}

/** The most that the report of all clients may weigh: a twin holds 32 KiB, and there is more to report. */
const MAX_REPORT_BYTES = 24_576
/** A generous estimate of one client in the report, beside its key, in bytes. */
const CLIENT_BYTES = 140

/** Clients that came and went since the last report; what is told of them, by key. */
export class ClientReports {
  #changes = new Map<string, ClientReport | null>()
  readonly #told = new Set<string>()
  #bytes = 0

  get isEmpty(): boolean {
    return this.#changes.size === 0
  }

  /** @returns false when there is no more room in the report */
  connected(identity: Identity, now: number): boolean {
    const key = reportKey(identity)
    if (!this.#told.has(key)) {
      if (this.#bytes + sizeOf(key) > MAX_REPORT_BYTES) return false
      this.#told.add(key)
      this.#bytes += sizeOf(key)
    }
    this.#changes.set(key, { status: 'Connected', lastConnectedTimeUtc: new Date(now).toISOString() })
    return true
  }

  /** Modules stay in the report as disconnected; devices leave it. */
  disconnected(identity: Identity, now: number): void {
    const key = reportKey(identity)
    if (!this.#told.has(key)) return
    const isDevice = identity.moduleId === undefined
    if (isDevice && this.#told.delete(key)) this.#bytes -= sizeOf(key)
    const gone: ClientReport = { status: 'Disconnected', lastDisconnectedTimeUtc: new Date(now).toISOString() }
    this.#changes.set(key, isDevice ? null : gone)
  }

  /** The changes as part of a patch; they count as told. */
  take(): JsonObject {
    const changes = Object.fromEntries(this.#changes) as unknown as JsonObject
    this.#changes = new Map()
    return changes
  }
}

function sizeOf(key: string): number {
  return Buffer.byteLength(key) + CLIENT_BYTES
}

/** Names of twin properties may not hold `.`, `$` and blanks. */
function reportKey({ deviceId, moduleId }: Identity): string {
  const id = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`
  return id.replace(/[.$ ]/g, character => ({ '.': '%2E', $: '%24', ' ': '%20' })[character]!)
}
