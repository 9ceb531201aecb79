import type { ModuleLogLine } from '@edgewright/core'

/** The most bytes of a line that are kept: what is longer is cut. */
const MAX_LINE_BYTES = 65_536

const HEADER_BYTES = 8

/** A line with the time at which the engine took it, to the nanosecond, for reading on behind it. */
export interface EngineLogLine extends ModuleLogLine {
  /** RFC 3339. */
  readonly timestamp: string
}

/**
 * The lines of a log stream that was asked for with time stamps. Without a terminal, the engine sends frames: a byte
 * for the stream, three of padding, four for the length, then content that need not end where a line does.
 *
 * @param isTerminal - whether the container has a terminal: then the stream is plain text
 */
export async function* logLines(stream: AsyncIterable<Buffer>, isTerminal: boolean): AsyncGenerator<EngineLogLine> {
  const open = { stdout: new LineBuffer('stdout'), stderr: new LineBuffer('stderr') }
  for await (const { isError, content } of isTerminal ? plain(stream) : frames(stream)) {
    yield* (isError ? open.stderr : open.stdout).take(content)
  }
  yield* open.stdout.end()
  yield* open.stderr.end()
}

interface Piece {
  readonly isError: boolean
  readonly content: Buffer
}

async function* plain(stream: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  for await (const content of stream) yield { isError: false, content }
}

/** Content as it comes: a frame is not gathered, however long it says it is. */
async function* frames(stream: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  let rest: Buffer = Buffer.alloc(0)
  let [left, isError] = [0, false]
  for await (const chunk of stream) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length > 0) {
      if (left === 0) {
        if (rest.length < HEADER_BYTES) break
        isError = rest[0] === 2
        left = rest.readUInt32BE(4)
        rest = rest.subarray(HEADER_BYTES)
      }
      const content = rest.subarray(0, left)
      rest = rest.subarray(content.length)
      left -= content.length
      if (content.length > 0) yield { isError, content }
    }
  }
}

class LineBuffer {
  #open: Buffer = Buffer.alloc(0)
  constructor(readonly stream: ModuleLogLine['stream']) {}

  *take(content: Buffer): Generator<EngineLogLine> {
    let from = 0
    for (let end = content.indexOf(10); end >= 0; end = content.indexOf(10, from)) {
      yield* this.#close(content.subarray(from, end))
      from = end + 1
    }
    const room = Math.max(0, MAX_LINE_BYTES - this.#open.length)
    this.#open = Buffer.concat([this.#open, content.subarray(from, from + room)])
  }

  *end(): Generator<EngineLogLine> {
    if (this.#open.length > 0) yield* this.#close(Buffer.alloc(0))
  }

  *#close(last: Buffer): Generator<EngineLogLine> {
    const line = Buffer.concat([this.#open, last]).subarray(0, MAX_LINE_BYTES).toString()
    this.#open = Buffer.alloc(0)
    const space = line.indexOf(' ')
    const timestamp = line.slice(0, Math.max(0, space))
    const text = line.slice(space + 1).replace(/\r$/, '')
    yield { time: Date.parse(timestamp), timestamp, stream: this.stream, text }
  }
}
