import { isJsonObject } from '@edgewright/core'
import type Dockerode from 'dockerode'
import { linesOf } from './lines.js'

/** What happens to containers that is no change of theirs: commands run in them, and each check of their health. */
const NOISE = /^(exec_|top|attach|resize|archive-path|extract-to-dir|export|commit|copy)/

/**
 * The names of containers with these labels, each time that something changes about one, until the signal is aborted or the engine
 * goes. Nothing is missed from when the promise resolves.
 */
export async function engineEvents(
  engine: Dockerode,
  label: readonly string[],
  signal: AbortSignal,
): Promise<AsyncIterable<string>> {
  const filters = { type: ['container'], label }
  const stream = await engine.getEvents({ filters, abortSignal: signal } as object)
  return namesIn(stream)
}

async function* namesIn(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  for await (const line of linesOf(stream)) {
    const event: unknown = JSON.parse(line)
    if (!isJsonObject(event) || !isJsonObject(event.Actor) || !isJsonObject(event.Actor.Attributes)) continue
    const { name } = event.Actor.Attributes
    if (typeof name === 'string' && !NOISE.test(String(event.Action))) yield name
  }
}
