import { Readable } from 'node:stream'
import type { ModuleLogLine, ModuleLogQuery, ModuleRuntime } from '@edgewright/core'
import type Dockerode from 'dockerode'
import { engineError } from './engine-error.js'
import { type EngineLogLine, logLines } from './log-frames.js'

/** Whose log, and how much of it. */
export interface ModuleLogParts {
  readonly engine: Dockerode
  readonly name: string
  readonly query: ModuleLogQuery
  readonly watch: ModuleRuntime['watch']
  readonly signal?: AbortSignal
}

/**
 * A container's log. The engine ends a log that is followed when the container ends, and gives nothing of one that was
 * not started; here, following goes on with the container's next run.
 */
export async function* moduleLog(parts: ModuleLogParts): AsyncGenerator<ModuleLogLine, void> {
  const { query, signal } = parts
  let { since, tail } = { since: secondsOf(query.since), tail: query.tail }
  for (;;) {
    const start = nextStart(parts)
    try {
      for await (const { timestamp, ...line } of readOnce(parts, since, tail)) {
        since = behind(timestamp)
        yield line
      }
      if (query.follow !== true || signal?.aborted) return
      await start.comes
    } finally {
      start.forget()
    }
    tail = undefined
  }
}

async function* readOnce(
  { engine, name, query, signal }: ModuleLogParts,
  since: string | undefined,
  tail: number | undefined,
): AsyncGenerator<EngineLogLine> {
  try {
    const { Config: config } = await engine.getContainer(name).inspect()
    const options = {
      stdout: true,
      stderr: true,
      timestamps: true,
      follow: query.follow ?? false,
      tail: tail ?? 'all',
      ...(since === undefined ? {} : { since }),
      ...(query.until === undefined ? {} : { until: secondsOf(query.until) }),
    }
    yield* logLines(await openLog(engine, name, options, signal), config.Tty)
  } catch (error) {
    if (!signal?.aborted) throw engineError(error, name)
  }
}

/**
 * The log as a stream. The client's own call gathers a log that is not followed into one piece, and takes it for JSON
 * when it looks like it.
 */
function openLog(
  engine: Dockerode,
  name: string,
  query: object,
  abortSignal: AbortSignal | undefined,
): Promise<Readable> {
  return new Promise((resolve, reject) => {
    engine.modem.dial(
      {
        path: `/containers/${name}/logs?`,
        method: 'GET',
        isStream: true,
        options: query,
        abortSignal,
        statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
      },
      (error: unknown, stream: unknown) => {
        if (stream instanceof Readable) resolve(stream)
        else reject(error)
      },
    )
  })
}

/** Tells when the container is started the next time, is gone, or nobody waits any more. */
function nextStart({ name, watch, signal }: ModuleLogParts): { comes: Promise<void>; forget: () => void } {
  const watching = new AbortController()
  const forget = () => watching.abort()
  const comes = new Promise<void>(resolve => {
    watching.signal.addEventListener('abort', () => resolve(), { once: true })
    signal?.addEventListener('abort', forget, { once: true, signal: watching.signal })
    watch((changed, observation) => {
      if (changed === name && (observation === undefined || observation.state === 'running')) forget()
    }, watching.signal)
  })
  return { comes, forget }
}

/** Seconds since 1970, as the engine wants times. */
function secondsOf(milliseconds: number | undefined): string | undefined {
  return milliseconds === undefined ? undefined : (milliseconds / 1_000).toFixed(3)
}

/** A nanosecond behind a time stamp, in seconds: where reading on begins. */
function behind(timestamp: string): string {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? ''
  const nanoseconds =
    BigInt(Math.trunc(Date.parse(timestamp) / 1_000)) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
  const text = String(nanoseconds + 1n)
  return `${text.slice(0, -9)}.${text.slice(-9)}`
}
