import { createHash } from 'node:crypto'
import { chmod, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { EdgewrightError } from '@edgewright/core'
import { WORKLOAD_SOCKET } from './environment.js'

/** The longest path of a socket that every system takes, in bytes: `sun_path` less its end. */
const MAX_PATH_BYTES = 103

/**
 * One module's folder under the workload API's own, which is this user's alone (0700): nobody else on this machine gets
 * any further. Inside a container the folder is all there is to see, whoever the module runs as; therefore it may be
 * passed through (0711), and its socket used (0666).
 *
 * The folder is what to mount, not the socket: a mounted socket would stay the one of before a restart.
 */
export class ModuleFolder {
  readonly path: string
  readonly socket: string

  /** @throws `WORKLOAD_PATH_TOO_LONG` */
  constructor(base: string, moduleId: string) {
    this.path = join(base, folderName(moduleId))
    this.socket = join(this.path, WORKLOAD_SOCKET)
    if (Buffer.byteLength(this.socket) <= MAX_PATH_BYTES) return
    throw new EdgewrightError('WORKLOAD_PATH_TOO_LONG', 'The path of a socket of the workload API is too long', {
      place: this.socket,
      remedy: `Choose a folder with a shorter path: the socket's may have ${MAX_PATH_BYTES} bytes.`,
    })
  }

  /** Makes room for the socket: whatever lies in its place is removed, be it a folder that a container engine made. */
  async prepare(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 })
    await chmod(this.path, 0o711)
    await rm(this.socket, { recursive: true, force: true })
  }

  /** Lets the module in, now that the socket is there. */
  async admit(): Promise<void> {
    await chmod(this.socket, 0o666)
  }

  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true })
  }
}

/** Readable, safe as a file name and in a container engine's notation of mounts, and different for each module. */
function folderName(moduleId: string): string {
  const readable = moduleId.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 24)
  return `${readable}-${createHash('sha256').update(moduleId).digest('hex').slice(0, 16)}`
}
