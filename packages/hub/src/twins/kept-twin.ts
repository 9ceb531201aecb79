import {
  applyMergePatch,
  combineMergePatches,
  diffMergePatch,
  type JsonObject,
  type RefusedReport,
  type Twin,
  type TwinPatch,
  type TwinProperties,
} from '@edgewright/core'

/** One twin as it is kept. */
export interface KeptTwin {
  /** As last seen in the cloud, and merged since; absent when it was never seen. */
  readonly twin?: Twin | undefined
  /** Reported and not in the cloud yet: one patch, deletions in it. */
  readonly pending?: JsonObject | undefined
  /** Desired properties as the client last saw them; absent when that is how they stand. */
  readonly told?: TwinProperties | undefined
  /** What the cloud refused of what the client was told is reported. */
  readonly refused?: (RefusedReport & { readonly wasRead: boolean }) | undefined
}

/** The twin as its client sees it: what waits for the cloud is in it. */
export function clientView({ twin, pending, refused }: KeptTwin & { readonly twin: Twin }): Twin {
  const { desired, reported } = twin
  const properties = pending === undefined ? reported.properties : applyMergePatch(reported.properties, pending)
  const view = { desired, reported: { properties, version: reported.version } }
  return refused === undefined ? view : { ...view, refused: { properties: refused.properties, reason: refused.reason } }
}

/** The client has read the twin. */
export function afterRead(kept: KeptTwin): KeptTwin {
  const { told: _, ...rest } = kept
  return rest.refused === undefined ? rest : { ...rest, refused: { ...rest.refused, wasRead: true } }
}

/** The client reports something more. */
export function afterReport(kept: KeptTwin, patch: JsonObject): KeptTwin & { readonly pending: JsonObject } {
  return { ...kept, pending: combineMergePatches(kept.pending ?? {}, patch, kept.twin?.reported.properties) }
}

/** The cloud has taken what was pending. A refusal before that is old news once the client has read of it. */
export function afterAcceptance(kept: KeptTwin, version: number): KeptTwin {
  const { pending: _, refused, twin, ...rest } = kept
  const { properties } = twin === undefined ? { properties: {} } : clientView({ ...kept, twin }).reported
  return {
    ...rest,
    ...(twin && { twin: { ...twin, reported: { properties, version } } }),
    ...(refused?.wasRead === false && { refused }),
  }
}

/** The cloud will never take what is pending. */
export function afterRefusal(kept: KeptTwin, reason: string): KeptTwin {
  const { pending = {}, refused, ...rest } = kept
  const earlier = refused?.wasRead === false ? refused.properties : []
  const properties = [...new Set([...earlier, ...Object.keys(pending)])]
  return { ...rest, refused: { properties, reason, wasRead: false } }
}

/** What a client is to be told that saw one state of the desired properties and should know another. */
export function desiredChange(seen: TwinProperties | undefined, now: TwinProperties): TwinPatch | undefined {
  if (seen === undefined || seen.version === now.version) return undefined
  return { patch: diffMergePatch(seen.properties, now.properties), version: now.version }
}
