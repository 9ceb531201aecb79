import type { Duplex } from 'node:stream'
import { AmqpFrameSplitter, Refusal } from '@edgewright/protocol'
import { NetworkFailure, networkFailure } from '../network/failure.js'

/** What a {@link FrameSocket} reports. */
export interface FrameSocketEvents {
  /** Bytes came in: a sign of life. */
  received(bytes: number): void
  sent(bytes: number): void
  /** The stream takes more after {@link FrameSocket.congested}. */
  drained(): void
  /** The stream is gone. Called once. */
  ended(failure: NetworkFailure): void
}

/**
 * What rhea sees as its socket. Guards what comes in, because rhea buffers whatever a frame header claims; gathers the
 * frames of one turn into one write, because rhea writes each by itself; and says when the stream is congested, because
 * rhea does not look.
 */
export class FrameSocket {
  readonly #stream: Duplex
  readonly #events: FrameSocketEvents
  readonly #splitter: AmqpFrameSplitter
  #onData: (data: Buffer) => void = () => undefined
  #onEnd: () => void = () => undefined
  #pending: Buffer[] = []
  #flushing = false
  #congested = false
  #ended = false

  constructor(stream: Duplex, maxFrameSize: number, events: FrameSocketEvents) {
    this.#stream = stream
    this.#events = events
    this.#splitter = new AmqpFrameSplitter(maxFrameSize)
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('drain', () => {
      this.#congested = false
      events.drained()
    })
    stream.on('error', error => this.#finish(networkFailure(error)))
    stream.on('end', () => this.#finish(new NetworkFailure('closed-by-peer', '')))
    stream.on('close', () => this.#finish(new NetworkFailure('connection-reset', 'closed without an end')))
  }

  /** Whether more than the stream wants at once is waiting to leave. */
  get congested(): boolean {
    return this.#congested
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
      // After rhea's own turn, which is a tick of its own and may write many frames.
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
    return 'frame socket'
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

  #finish(failure: NetworkFailure): void {
    if (this.#ended) return
    this.#ended = true
    this.#pending = []
    this.#events.ended(failure)
    // Not within rhea's own turn: at its end rhea sets an idle timer, which would then keep the process alive.
    process.nextTick(() => this.#onEnd())
  }
}
