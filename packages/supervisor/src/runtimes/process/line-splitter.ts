import { StringDecoder } from 'node:string_decoder'

/** Makes lines of the pieces that a stream comes in. Of a line that is too long, the rest is passed over. */
export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8')
  readonly #maxLength: number
  readonly #onLine: (line: string) => void
  #line = ''

  /** @param maxLength - characters kept of one line */
  constructor(maxLength: number, onLine: (line: string) => void) {
    this.#maxLength = maxLength
    this.#onLine = onLine
  }

  write(piece: Uint8Array): void {
    this.#take(this.#decoder.write(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)))
  }

  /** The stream has ended: what stands without an end is a line too. */
  end(): void {
    this.#take(this.#decoder.end())
    if (this.#line !== '') this.#give()
  }

  #take(text: string): void {
    const lines = text.split('\n')
    for (const [index, part] of lines.entries()) {
      this.#line += part.slice(0, this.#maxLength - this.#line.length)
      if (index < lines.length - 1) this.#give()
    }
  }

  #give(): void {
    const line = this.#line
    this.#line = ''
    this.#onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
  }
}
