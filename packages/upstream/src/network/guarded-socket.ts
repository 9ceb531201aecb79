import type { Duplex } from 'node:stream'
import { Refusal } from '@edgewright/protocol'
import { NetworkFailure, networkFailure } from './failure.js'

/** Cuts a stream into whole packets, and refuses one that claims too much. */
export interface Splitter {
  push(chunk: Buffer): Buffer | Refusal
}

/** What a {@link GuardedSocket} reports. */
export interface GuardedSocketEvents {
  /** Bytes came in: a sign of life. */
  received(bytes: number): void
  sent(bytes: number): void
  /** The stream is gone. Called once. */
  ended(failure: NetworkFailure): void
}

/**
 * What a protocol library sees as its socket. Guards what comes in, because libraries buffer whatever a header claims;
 * gathers the packets of one turn into one write, because they write each by itself; and says when the stream is
 * congested, because they do not look.
 */
export class GuardedSocket {
  readonly #stream: Duplex
  readonly #events: GuardedSocketEvents
  readonly #splitter: Splitter
  #onData: (data: Buffer) => void = () => undefined
  #onEnd: () => void = () => undefined
  #pending: Buffer[] = []
  #drainWaiters: (() => void)[] = []
  #flushing = false
  #congested = false
  #ended = false

  constructor(stream: Duplex, splitter: Splitter, events: GuardedSocketEvents) {
    this.#stream = stream
    this.#events = events
    this.#splitter = splitter
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('drain', () => this.#drained())
    stream.on('error', error => this.#finish(networkFailure(error)))
    stream.on('end', () => this.#finish(new NetworkFailure('closed-by-peer', '')))
    stream.on('close', () => this.#finish(new NetworkFailure('connection-reset', 'closed without an end')))
  }

  /** Whether more than the stream wants at once is waiting to leave. */
  get congested(): boolean {
    return this.#congested
  }

  /** Calls once when the stream takes more. */
  whenDrained(callback: () => void): void {
    this.#drainWaiters.push(callback)
  }

  /** The part of an emitter that rhea uses. Errors reach it as an end: the reason is told elsewhere. */
  on(event: string, listener: (...args: never[]) => void): this {
    if (event === 'data') this.#onData = listener as (data: Buffer) => void
    else if (event === 'end') this.#onEnd = listener as () => void
    return this
  }

  write(data: Buffer): boolean {
    this.#pending.push(data)
    if (!this.#flushing) {
      this.#flushing = true
      // After the library's own turn, which may be a tick of its own and write many packets.
      process.nextTick(() => this.#flush())
    }
    return !this.#congested
  }

  end(): void {
    this.#flush()
    this.#stream.end()
  }

  /** Cuts the stream. */
  destroy(failure: NetworkFailure): void {
    this.#finish(failure)
    this.#stream.destroy()
  }

  /** For rhea's debug log. */
  get_id_string(): string {
    return 'guarded socket'
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return
    this.#events.received(chunk.byteLength)
    const frames = this.#splitter.push(chunk)
    if (frames instanceof Refusal) this.destroy(new NetworkFailure('protocol-error', frames.reason))
    else if (frames.byteLength > 0) this.#onData(frames)
  }

  #flush(): void {
    this.#flushing = false
    if (this.#pending.length === 0 || this.#ended) return
    const data = this.#pending.length === 1 ? this.#pending[0]! : Buffer.concat(this.#pending)
    this.#pending = []
    this.#events.sent(data.byteLength)
    this.#congested = !this.#stream.write(data)
  }

  #drained(): void {
    this.#congested = false
    const waiters = this.#drainWaiters
    this.#drainWaiters = []
    for (const waiter of waiters) waiter()
  }

  #finish(failure: NetworkFailure): void {
    if (this.#ended) return
    this.#ended = true
    this.#pending = []
    this.#events.ended(failure)
    // Not within rhea's own turn: at its end rhea sets an idle timer, which would then keep the process alive.
    process.nextTick(() => this.#onEnd())
  }
}
