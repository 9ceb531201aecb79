import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { type Clock, EdgewrightError, type ModuleLogLine } from '@edgewright/core'
import type { LogRing } from '../log-ring.js'
import { LineSplitter } from './line-splitter.js'

/** What one run of a program needs. */
export interface ProcessRunParts {
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string | undefined
  /** The whole environment: nothing is added. */
  readonly environment: Readonly<Record<string, string>>
  readonly log: LogRing
  readonly clock: Clock
}

/** How a run ended. */
export interface ProcessEnd {
  /** The program's own, or 128 and the number of the signal that ended it, as shells have it. */
  readonly exitCode: number
  readonly state: 'stopped' | 'failed'
  readonly reason?: string
}

/** Milliseconds that what a program left running has to close its output. */
const OUTPUT_GRACE = 1_000

/** The exit code of a program that ended because it was told to, by the signal that tells so. */
const TERMINATED = 128 + constants.signals.SIGTERM

/** One run of a program, in a process group of its own: what it starts ends with it. */
export class ProcessRun {
  /** Resolves when the program runs; rejects when the system did not start it. */
  readonly started: Promise<void>
  /** Resolves when nothing of it is left. Never rejects. */
  readonly ended: Promise<ProcessEnd>
  readonly #parts: ProcessRunParts
  readonly #child: ChildProcess
  #isStopping = false

  constructor(parts: ProcessRunParts) {
    this.#parts = parts
    const { program, args, cwd, environment } = parts
    this.#child = spawn(program, args, {
      cwd,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    })
    const closed = Promise.all([this.#keep('stdout'), this.#keep('stderr')])
    this.started = new Promise((resolve, reject) => {
      this.#child.once('spawn', resolve)
      this.#child.once('error', error => reject(notStarted(parts.name, error)))
    })
    this.ended = this.started.then(
      () => this.#end(closed),
      error => ({ exitCode: 127, state: 'failed', reason: (error as Error).message }),
    )
  }

  /** Whether it was told to end. */
  get stopping(): boolean {
    return this.#isStopping
  }

  /** Tells the program to end, and ends it by force when it has not after `grace` milliseconds. */
  async stop(grace: number): Promise<void> {
    this.#isStopping = true
    this.#signal('SIGTERM')
    const timer = this.#parts.clock.after(grace, () => this.#signal('SIGKILL'))
    await this.ended
    timer.cancel()
  }

  async #end(closed: Promise<unknown>): Promise<ProcessEnd> {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>(resolve => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        resolve([this.#child.exitCode, this.#child.signalCode])
      } else this.#child.once('exit', (...end) => resolve(end))
    })
    // What it started and left behind would be nobody's, and keep its output open.
    this.#signal('SIGKILL')
    const timer = this.#parts.clock.after(OUTPUT_GRACE, () => {
      this.#child.stdout?.destroy()
      this.#child.stderr?.destroy()
    })
    await closed
    timer.cancel()
    return this.#verdict(code ?? 128 + constants.signals[signal ?? 'SIGKILL'], signal)
  }

  #verdict(exitCode: number, signal: NodeJS.Signals | null): ProcessEnd {
    if (exitCode === 0 || (this.#isStopping && exitCode === TERMINATED)) return { exitCode, state: 'stopped' }
    const reason = signal === null ? `it exited with code ${exitCode}` : `it was ended by ${signal}`
    return { exitCode, state: 'failed', reason }
  }

  /** Reaches the program and all that it started; harmless when nothing of it is left. */
  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child
    if (pid === undefined) return
    try {
      if (process.platform === 'win32') this.#child.kill(signal)
      else process.kill(-pid, signal)
    } catch {
      // ESRCH: it has ended.
    }
  }

  /** Resolves when the stream is closed. */
  #keep(name: ModuleLogLine['stream']): Promise<void> {
    const stream: Readable | null = this.#child[name]
    if (stream === null) return Promise.resolve()
    const { log } = this.#parts
    const splitter = new LineSplitter(log.lineLength, line => log.write(name, line))
    stream.on('data', (piece: Buffer) => splitter.write(piece))
    stream.on('error', () => stream.destroy())
    return new Promise(resolve => {
      stream.once('close', () => {
        splitter.end()
        resolve()
      })
    })
  }
}

function notStarted(module: string, cause: NodeJS.ErrnoException): EdgewrightError {
  return new EdgewrightError('MODULE_NOT_AVAILABLE', `The program could not be started: ${cause.code ?? 'unknown'}`, {
    place: module,
    remedy: 'Check the program, its folder and the rights of this user.',
    cause,
  })
}
