import type { Duplex } from 'node:stream'
import type { Clock } from '@edgewright/core'
import { AMQP_LIMITS, AmqpFrameSplitter, Refusal } from '@edgewright/protocol'
import { Outlet, type OutletLimits } from '../outlet.js'

/** What a {@link FrameSocket} reports. */
export interface FrameSocketEvents {
  /** Something came. */
  heard(): void
  /** All frames of a chunk were handled. */
  read(): void
  /** The stream takes more again. */
  drained(): void
  /** The peer broke a rule, or costs too much; nothing more is read. */
  failed(reason: string): void
  /** The stream is gone. Called once. */
  gone(): void
}

/**
 * What the AMQP library sees as its socket. It buffers whatever a frame header claims, writes each frame by itself and
 * never looks whether the stream takes them; so frames are cut here, writes of one turn gathered, and both bounded.
 */
export class FrameSocket {
  readonly #stream: Duplex
  readonly #events: FrameSocketEvents
  readonly #outlet: Outlet
  readonly #splitter = new AmqpFrameSplitter(AMQP_LIMITS.maxFrameSize)
  #onData: (frames: Buffer) => void = () => undefined
  #onEnd: () => void = () => undefined
  #pending: Buffer[] = []
  #isClosed = false

  constructor(stream: Duplex, clock: Clock, limits: OutletLimits, events: FrameSocketEvents) {
    this.#stream = stream
    this.#events = events
    this.#outlet = new Outlet(stream, clock, limits, () => events.failed('the client takes nothing of what it is sent'))
    stream.on('data', (chunk: Buffer) => this.#receive(chunk))
    stream.on('drain', () => events.drained())
    stream.on('error', () => stream.destroy())
    stream.on('close', () => this.#close())
  }

  /** Whether the stream wants nothing more for now. */
  get isCongested(): boolean {
    return this.#outlet.isCongested
  }

  /** Stops or resumes reading. */
  setPaused(paused: boolean): void {
    if (paused) this.#stream.pause()
    else this.#stream.resume()
  }

  /** The part of an emitter that the library uses. */
  on(event: string, listener: (...args: never[]) => void): this {
    if (event === 'data') this.#onData = listener as (frames: Buffer) => void
    else if (event === 'end') this.#onEnd = listener as () => void
    return this
  }

  /** Takes a frame of the library's. */
  write(frame: Buffer): boolean {
    if (this.#pending.length === 0) process.nextTick(() => this.#flush())
    this.#pending.push(frame)
    return true
  }

  /** Sends what is left, and ends the connection. Nothing more is read. */
  end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stream.resume()
    this.#flush()
    this.#outlet.end()
  }

  /** For the library's debug log. */
  get_id_string(): string {
    return 'client'
  }

  #receive(chunk: Buffer) {
    if (this.#isClosed) return
    this.#events.heard()
    const frames = this.#splitter.push(chunk)
    if (frames instanceof Refusal) return this.#events.failed(frames.reason)
    if (frames.length === 0) return
    this.#onData(frames)
    this.#events.read()
  }

  #flush(): void {
    const frames = this.#pending
    this.#pending = []
    if (frames.length > 0) this.#outlet.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames))
  }

  #close(): void {
    this.#isClosed = true
    this.#outlet.close()
    this.#events.gone()
    // Not within the library's own turn, at whose end it would start an idle timer that nobody stops.
    process.nextTick(() => this.#onEnd())
  }
}
