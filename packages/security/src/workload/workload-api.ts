import { chmod, mkdir } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import {
  type Clock,
  EdgewrightError,
  type Logger,
  memoryMeter,
  type Meter,
  Service,
  settleInOrder,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import { WORKLOAD_LIMITS, type WorkloadLimits } from './limits.js'
import { ModuleAccess, type ModuleAccessComponents } from './module-access.js'
import { ModuleFolder } from './module-folder.js'
import type { OperationComponents, WorkloadTrust } from './operation.js'
import { listenFailed, WorkloadListener } from './workload-listener.js'

/** What a {@link WorkloadApi} stands on. */
export interface WorkloadComponents extends Omit<OperationComponents, 'trust'> {
  readonly clock?: Clock | undefined
  readonly logger?: Logger | undefined
  readonly meter?: Meter | undefined
}

/** How a {@link WorkloadApi} is reached and what else it tells. */
export interface WorkloadOptions extends WorkloadTrust {
  /** Where the modules' sockets are kept; made for this user alone. */
  readonly folder: string
  /** Where modules without a socket are served, of 127.0.0.0/8. @default '127.0.0.1' */
  readonly loopback?: string | undefined
  readonly limits?: WorkloadLimits | undefined
}

/** How a module gets in: by a socket of its own, or by a port of its own where sockets cannot be used. */
export type WorkloadTransport = 'unix' | 'http'

/** Where one module finds the workload API. */
export interface WorkloadAddress {
  /** For a process on this machine, as `IOTEDGE_WORKLOADURI`; a container has `CONTAINER_WORKLOAD_URI`. */
  readonly uri: string
  /** What to mount into a container at `WORKLOAD_MOUNT`, read-only; absent for `http`. */
  readonly folder?: string | undefined
}

/**
 * What modules ask of their gateway: whom to trust, signatures with their own key, certificates, secrets kept.
 *
 * Nobody proves who they are: each module has an entrance of its own, and whoever comes through it is that module. So a
 * socket belongs into its module's container and nowhere else; and a port can be used by every process of this machine,
 * which is why sockets are the default. Calls, answers and errors: agent reference, section 7.
 */
export class WorkloadApi extends Service {
  readonly #parts: ModuleAccessComponents
  readonly #folder: string
  readonly #loopback: string
  readonly #entrances = new Map<string, Promise<Entrance>>()

  /** @throws `WORKLOAD_NOT_LOOPBACK` */
  constructor(components: WorkloadComponents, options: WorkloadOptions) {
    super()
    const { clock = systemClock, logger = silentLogger, meter = memoryMeter(), ...operations } = components
    const { folder, loopback = '127.0.0.1', limits, ...trust } = options
    if (!isIPv4(loopback) || !loopback.startsWith('127.')) throw notLoopback(loopback)
    this.#folder = folder
    this.#loopback = loopback
    this.#parts = {
      operations: { ...operations, trust },
      limits: { ...WORKLOAD_LIMITS, ...limits } as Required<WorkloadLimits>,
      clock,
      logger,
      meter,
    }
  }

  /**
   * Opens a module's entrance, before the module is started. An open one is given again.
   *
   * @throws `NOT_RUNNING`, `WORKLOAD_LISTEN_FAILED`, `WORKLOAD_PATH_TOO_LONG`
   */
  async open(moduleId: string, transport: WorkloadTransport = 'unix'): Promise<WorkloadAddress> {
    this.assertRunning()
    const key = `${transport} ${moduleId}`
    let entrance = this.#entrances.get(key)
    if (entrance === undefined) {
      entrance = transport === 'unix' ? this.#openSocket(moduleId) : this.#openPort(moduleId)
      this.#entrances.set(key, entrance)
      entrance.catch(() => this.#entrances.delete(key))
    }
    return (await entrance).address
  }

  /** Closes a module's entrances, when it has stopped; its folder stays for the mount of a container that may start again. */
  async close(moduleId: string): Promise<void> {
    await settleInOrder([() => this.#close(`unix ${moduleId}`), () => this.#close(`http ${moduleId}`)])
  }

  /** Closes a module's entrances and removes its folder, when the module is gone for good. */
  async remove(moduleId: string): Promise<void> {
    await this.close(moduleId)
    await new ModuleFolder(this.#folder, moduleId).remove()
  }

  protected async onStart(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 })
      await chmod(this.#folder, 0o700)
    } catch (cause) {
      throw listenFailed(this.#folder, cause)
    }
  }

  protected async onStop(): Promise<void> {
    await settleInOrder([...this.#entrances.keys()].map(key => () => this.#close(key)))
  }

  async #openSocket(moduleId: string): Promise<Entrance> {
    const folder = new ModuleFolder(this.#folder, moduleId)
    const { access, listener } = this.#entrance(moduleId)
    try {
      await folder.prepare()
      await listener.open({ path: folder.socket })
      await folder.admit()
    } catch (error) {
      await listener.close()
      throw EdgewrightError.is(error) ? error : listenFailed(folder.path, error)
    }
    return { access, listener, address: { uri: `unix://${folder.socket}`, folder: folder.path } }
  }

  async #openPort(moduleId: string): Promise<Entrance> {
    const { access, listener } = this.#entrance(moduleId)
    await listener.open({ host: this.#loopback, port: 0 })
    return { access, listener, address: { uri: `http://${this.#loopback}:${listener.port}` } }
  }

  #entrance(moduleId: string): Omit<Entrance, 'address'> {
    const access = new ModuleAccess(moduleId, this.#parts)
    const listener = new WorkloadListener(
      (request, response) => void access.serve(request, response),
      this.#parts.limits,
      this.#parts.logger,
    )
    return { access, listener }
  }

  async #close(key: string): Promise<void> {
    const entrance = this.#entrances.get(key)
    if (entrance === undefined) return
    this.#entrances.delete(key)
    // One that could not be opened has nothing to close.
    const opened = await entrance.catch(() => undefined)
    opened?.access.end()
    await opened?.listener.close()
  }
}

interface Entrance {
  readonly access: ModuleAccess
  readonly listener: WorkloadListener
  readonly address: WorkloadAddress
}

function notLoopback(address: string): EdgewrightError {
  return new EdgewrightError('WORKLOAD_NOT_LOOPBACK', 'The workload API listens on loopback addresses only', {
    place: address,
    remedy: 'Give an address of 127.0.0.0/8; whoever reaches the port may sign as its module.',
  })
}
