import type { Clock, ModuleLogLine, ModuleLogQuery } from '@edgewright/core'

/** How much of a module's log is kept in memory. */
export interface LogRingOptions {
  /** Lines kept; the oldest go first. @default 1,000 */
  readonly lines?: number
  /** Characters kept of one line. @default 8,192 */
  readonly lineLength?: number
}

/** How much of a module's log is kept when nothing else is said. */
export const LOG_RING_DEFAULTS = Object.freeze({ lines: 1_000, lineLength: 8_192 }) satisfies Required<LogRingOptions>

/** The last lines that a module wrote. Readers that follow read from the ring itself, so a slow one holds nothing up. */
export class LogRing {
  readonly #clock: Clock
  readonly #limits: Required<LogRingOptions>
  /** Line number `n` stands at `n % lines`. */
  readonly #lines: ModuleLogLine[] = []
  #next = 0
  #wake: (() => void)[] = []

  constructor(clock: Clock, options: LogRingOptions = {}) {
    this.#clock = clock
    this.#limits = { ...LOG_RING_DEFAULTS, ...options }
  }

  /** Characters kept of one line. */
  get lineLength(): number {
    return this.#limits.lineLength
  }

  /** Keeps each line of a text. */
  write(stream: ModuleLogLine['stream'], text: string): void {
    const { lines, lineLength } = this.#limits
    for (const line of text.split('\n')) {
      this.#lines[this.#next++ % lines] = { time: this.#clock.now(), stream, text: line.slice(0, lineLength) }
    }
    const waiting = this.#wake
    this.#wake = []
    for (const wake of waiting) wake()
  }

  /** The lines asked for, oldest first; when following, what is written from now on too, until the signal is aborted. */
  async *read(query: ModuleLogQuery = {}, signal?: AbortSignal): AsyncGenerator<ModuleLogLine, void> {
    let at = this.#firstOf(query)
    while (!signal?.aborted) {
      at = Math.max(at, this.#next - this.#limits.lines)
      if (at < this.#next) {
        const line = this.#lines[at++ % this.#limits.lines]!
        if (matches(line, query)) yield line
      } else {
        if (query.follow !== true) return
        await this.#written(signal)
      }
    }
  }

  /** The number of the line that a reading begins with. */
  #firstOf(query: ModuleLogQuery): number {
    const oldest = Math.max(0, this.#next - this.#limits.lines)
    let wanted = query.tail ?? Number.POSITIVE_INFINITY
    let at = this.#next
    while (at > oldest && wanted > 0) if (matches(this.#lines[--at % this.#limits.lines]!, query)) wanted--
    return at
  }

  #written(signal: AbortSignal | undefined): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      signal?.addEventListener('abort', wake, { once: true })
      this.#wake.push(wake)
    })
  }
}

function matches(line: ModuleLogLine, { since = 0, until = Number.POSITIVE_INFINITY }: ModuleLogQuery): boolean {
  return line.time >= since && line.time <= until
}
