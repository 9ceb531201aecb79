import { type FileHandle, open, rename } from 'node:fs/promises'
import { EdgewrightError } from '@edgewright/core'

type Done = (failure?: Error) => void

/**
 * A file that lines are appended to. Lines that come while others are written leave together with the next write.
 *
 * What is written survives the end of this process, also a sudden one; it is not synced against a power cut.
 */
export class Journal {
  readonly #path: string
  readonly #after: Promise<void>
  #file: FileHandle | undefined
  #pending: string[] = []
  #waiting: Done[] = []
  #replacement: (() => Iterable<string>) | undefined
  #writer: Promise<void> | undefined
  #failure: Error | undefined

  /**
   * @param path - opened for appending at the first line; made if need be
   * @param after - nothing is written before this; must not reject
   */
  constructor(path: string, after: Promise<void> = Promise.resolve()) {
    this.#path = path
    this.#after = after
  }

  append(line: string): void {
    this.#pending.push(line)
    this.#writer ??= this.#write()
  }

  /** Rewrites the whole file when its turn comes, in one step: either the old or the new one is found afterwards. */
  replace(lines: () => Iterable<string>): void {
    this.#replacement = lines
    this.#writer ??= this.#write()
  }

  /** Calls back when everything appended so far is written: at once when it is already. */
  whenWritten(done: Done): void {
    if (this.#failure !== undefined || this.#writer === undefined) done(this.#failure)
    else this.#waiting.push(done)
  }

  /** Writes what was appended, and closes. */
  async close(): Promise<void> {
    await this.#writer
    await this.#file?.close()
    this.#file = undefined
  }

  async #write(): Promise<void> {
    // The turn that appends goes on appending meanwhile: one write takes all of it.
    await this.#after
    try {
      while (this.#pending.length > 0 || this.#waiting.length > 0 || this.#replacement !== undefined)
        await this.#writeBatch()
    } finally {
      this.#writer = undefined
    }
  }

  async #writeBatch(): Promise<void> {
    const waiting = this.#waiting
    const lines = this.#pending
    const replacement = this.#replacement
    this.#waiting = []
    this.#pending = []
    this.#replacement = undefined
    try {
      if (replacement !== undefined) await this.#rewrite(replacement)
      else if (lines.length > 0) {
        this.#file ??= await open(this.#path, 'a')
        await this.#file.appendFile(joined(lines))
      }
    } catch (cause) {
      this.#failure = new EdgewrightError('EMULATOR_DATA_NOT_WRITTEN', `Cannot write ${this.#path}`, {
        place: this.#path,
        cause,
        remedy: 'See that the folder is writable and its disk has room.',
      })
    }
    for (const done of waiting) done(this.#failure)
  }

  /** What was appended before is part of what the lines say, so it need not be written as well. */
  async #rewrite(lines: () => Iterable<string>): Promise<void> {
    const next = `${this.#path}.next`
    const file = await open(next, 'w')
    await file.writeFile(joined(lines()))
    await file.close()
    await rename(next, this.#path)
    await this.#file?.close()
    this.#file = undefined
  }
}

function joined(lines: Iterable<string>): string {
  let text = ''
  for (const line of lines) text += `${line}\n`
  return text
}
