import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import Docker from 'dockerode'

/** Why tests that restart an engine are left out; undefined when they can be run. */
export async function ownEngineMissing(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'an engine of its own needs root'
  return await promisify(execFile)('dockerd', ['--version']).then(
    () => undefined,
    () => 'there is no dockerd',
  )
}

/** An engine of one test, to be stopped, killed and started again: nobody else uses it. */
export class OwnEngine {
  readonly #folder: string
  readonly #client: Docker
  #process: ChildProcess | undefined

  private constructor(folder: string) {
    this.#folder = folder
    this.#client = new Docker({ socketPath: this.socketPath })
  }

  static async make(): Promise<OwnEngine> {
    return new OwnEngine(await mkdtemp(join(tmpdir(), 'edgewright-engine-')))
  }

  get socketPath(): string {
    return join(this.#folder, 'docker.sock')
  }

  get client(): Docker {
    return this.#client
  }

  /** Resolves when it answers. */
  async start(): Promise<void> {
    const at = (name: string) => join(this.#folder, name)
    const places = ['--data-root', at('data'), '--exec-root', at('exec'), '--pidfile', at('pid'), '-H']
    const isolation = ['--bridge=none', '--iptables=false', '--ip-forward=false']
    const daemon = spawn('dockerd', [...places, `unix://${this.socketPath}`, ...isolation], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = daemon
    // It says so when it listens.
    await new Promise<void>((resolve, reject) => {
      let log = ''
      daemon.stderr!.on('data', chunk => {
        log = (log + chunk).slice(-4_096)
        if (log.includes('API listen on')) resolve()
      })
      daemon.once('exit', code => reject(new Error(`dockerd ended with ${code}: ${log}`)))
    })
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const daemon = this.#process
    this.#process = undefined
    if (daemon === undefined || daemon.exitCode !== null) return
    daemon.kill(signal)
    await once(daemon, 'exit')
    if (signal === 'SIGKILL') await this.#endHelper()
  }

  /** What it started goes with it, as when the power fails. */
  async #endHelper(): Promise<void> {
    const pid = Number(await readFile(join(this.#folder, 'exec/containerd/containerd.pid'), 'utf8').catch(() => '0'))
    if (pid > 0) {
      try {
        for (process.kill(pid, 'SIGKILL'); ; process.kill(pid, 0)) await setTimeout(50)
      } catch {
        // It is gone.
      }
    }
  }

  /** Ends it, and removes everything that it kept. */
  async remove(): Promise<void> {
    if (this.#process === undefined) await this.start()
    const containers = await this.#client.listContainers({ all: true })
    await Promise.all(containers.map(({ Id }) => this.#client.getContainer(Id).remove({ force: true })))
    await this.end()
    // One that was killed leaves its folder mounted.
    await promisify(execFile)('umount', ['-R', join(this.#folder, 'data')]).catch(() => undefined)
    await rm(this.#folder, { recursive: true, force: true })
  }
}
