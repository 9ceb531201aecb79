/** What may follow `?` in a topic under `$iothub/`. */
export interface TopicParameters {
  /** Opaque: to be echoed byte for byte. */
  readonly requestId?: string | undefined
  readonly version?: number | undefined
}

/** Reads `?$rid={rid}&$version={v}`, in any order; unknown names are ignored, and so is a version that is no integer. */
export function parseTopicParameters(text: string): TopicParameters {
  let requestId: string | undefined
  let version: number | undefined
  for (const pair of text.slice(text.startsWith('?') ? 1 : 0).split('&')) {
    if (pair.startsWith('$rid=')) requestId ??= pair.slice(5)
    else if (pair.startsWith('$version=') && /^\d{1,15}$/.test(pair.slice(9))) version ??= Number(pair.slice(9))
  }
  return { requestId: requestId === '' ? undefined : requestId, version }
}

/** Writes what {@link parseTopicParameters} reads. */
export function formatTopicParameters(parameters: TopicParameters): string {
  const parts: string[] = []
  if (parameters.requestId !== undefined) parts.push(`$rid=${parameters.requestId}`)
  if (parameters.version !== undefined) parts.push(`$version=${parameters.version}`)
  return `?${parts.join('&')}`
}
