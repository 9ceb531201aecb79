import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url))

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** One event of the program. */
// biome-ignore lint/suspicious/noExplicitAny: events are read as a program in any language would
export type Event = any

/** The program, run as a user would. */
export class Program {
  readonly events: Event[] = []
  readonly notJson: string[] = []
  stderr = ''
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown[]>
  #changed: () => void = () => undefined

  constructor(
    args: readonly string[],
    command: readonly string[] = [process.execPath, PROGRAM],
    options: Pick<SpawnOptions, 'env' | 'uid' | 'gid'> = {},
  ) {
    const [file = '', ...first] = command
    this.#child = spawn(file, [...first, ...args], { ...options, cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#exit = once(this.#child, 'exit')
    this.#child.stderr!.on('data', chunk => {
      this.stderr += chunk
    })
    createInterface({ input: this.#child.stdout! }).on('line', line => {
      try {
        this.events.push(JSON.parse(line))
      } catch {
        this.notJson.push(line)
      }
      this.#changed()
    })
  }

  /** The first event that fits, which may have come already. */
  async event(fits: (event: Event) => boolean): Promise<Event> {
    for (;;) {
      const found = this.events.find(fits)
      if (found !== undefined) return found
      await new Promise<void>((resolve, reject) => {
        this.#changed = resolve
        void this.#exit.then(([code]) => reject(new Error(`ended with ${code}: ${this.stderr}`)))
      })
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  async stop(): Promise<{ code: unknown; milliseconds: number }> {
    const began = performance.now()
    this.#child.kill('SIGTERM')
    const [code] = await this.#exit
    return { code, milliseconds: performance.now() - began }
  }

  async end(): Promise<unknown> {
    return (await this.#exit)[0]
  }
}

/** Flags for loopback addresses that nobody else uses. @param net - of one file of tests */
export function loopbackAddresses(net: number): () => string[] {
  let next = 1
  return () => {
    const block = next++
    return ['--listen', `127.${net}.${block}.1`, '--cloud-listen', `127.${net}.${block}.2`]
  }
}
