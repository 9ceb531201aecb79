import assert from 'node:assert/strict'
import { setTimeout as passed } from 'node:timers/promises'
import { type Connectivity, createMessage, EdgewrightError, type Message, type Upstream } from '@edgewright/core'
import type { CloudUnderTest, UpstreamFactory, UpstreamUnderTest } from './subject.js'

/** Runs a test on a started upstream that is online, and puts everything away afterwards. */
export function online(
  make: UpstreamFactory,
  test: (subject: UpstreamUnderTest) => Promise<void>,
): () => Promise<void> {
  return notStarted(make, async subject => {
    await subject.upstream.start()
    await becomes(subject.upstream, 'online')
    await test(subject)
  })
}

/** Runs a test on an upstream that was not started, and puts everything away afterwards. */
export function notStarted(
  make: UpstreamFactory,
  test: (subject: UpstreamUnderTest) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const subject = await make()
    try {
      await test(subject)
    } finally {
      await subject.upstream.stop()
      await subject.dispose()
    }
  }
}

/** What a cloud claims, or nothing to test. */
export function claimed<T>(claim: T | undefined, test: (claim: T) => Promise<void>): Promise<void> {
  return claim === undefined ? Promise.resolve() : test(claim)
}

/** Resolves with the connectivity once it is of a type. */
export function becomes(upstream: Upstream, type: Connectivity['type']): Promise<Connectivity> {
  if (upstream.connectivity.type === type) return Promise.resolve(upstream.connectivity)
  return new Promise(resolve => {
    const listener = (connectivity: Connectivity) => {
      if (connectivity.type !== type) return
      upstream.off('connectivity', listener)
      resolve(connectivity)
    }
    upstream.on('connectivity', listener)
  })
}

/** Resolves when a condition of the far end holds, which has no event to wait for. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await passed(2)
}

/** So many messages, told apart by their bodies. */
export function numbered(count: number, prefix = 'm'): Message[] {
  return Array.from({ length: count }, (_, at) => createMessage({ body: `${prefix}${at}` }))
}

/** Bodies as text. */
export function bodies(messages: readonly Message[]): string[] {
  return messages.map(({ body }) => Buffer.from(body).toString())
}

/** Each text once, where it came first. */
export function firsts(texts: readonly string[]): string[] {
  return [...new Set(texts)]
}

/**
 * Sends as a pump does: batch by batch, again from the first message that is to be given again.
 *
 * @param between - called before each batch with how many have arrived
 */
export async function sendAll(
  { upstream, identities }: UpstreamUnderTest,
  messages: readonly Message[],
  between: (done: number) => void | Promise<void> = () => undefined,
): Promise<void> {
  const session = upstream.session(identities[0]!)
  for (let done = 0; done < messages.length; ) {
    await between(done)
    const outcomes = await session.send(messages.slice(done, done + 50))
    const again = outcomes.findIndex(({ kind }) => kind === 'retry')
    done += again < 0 ? outcomes.length : again
    if (again < 0) continue
    await passed(1)
    await becomes(upstream, 'online')
  }
}

/** Asserts that a promise rejects with one of our codes. */
export async function rejectsWith(code: string, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, (error: unknown) => {
    assert.ok(EdgewrightError.is(error, code), `expected ${code}, got ${error instanceof Error ? error.stack : error}`)
    return true
  })
}

/** Tries until it is so: for what a cloud is allowed to take its time with. */
export async function eventually<T>(attempt: () => Promise<T>, isGood: (result: T) => boolean): Promise<T> {
  for (;;) {
    const result = await attempt()
    if (isGood(result)) return result
    await passed(5)
  }
}

export type { CloudUnderTest }
