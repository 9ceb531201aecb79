import { randomBytes } from 'node:crypto'
import { chmod, open, readdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join, relative } from 'node:path'
import { EdgewrightError } from '@edgewright/core'
import type { DirectoryLock } from './file-system.js'

/** Name of a lock: who holds it, and what tells several of one process apart. */
const LOCK_NAME = /^lock-(\d+)-[0-9a-f]+$/

/** What a socket's address holds at most, with some to spare for systems that hold less than Linux. */
const MAX_SOCKET_PATH_BYTES = 100

/**
 * Takes a directory: listens on a socket of its own in it, then knocks at every other. One that answers belongs to a
 * store that is alive, whichever container its process lives in and whatever became of its number; one that does not
 * is what a dead process left, and is swept away. Two that come at the same moment see each other, and both give up.
 *
 * @throws `STORE_IN_USE`
 */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  await using directory = await open(path, 'r')
  const at = (name: string): string => socketPath(path, name, directory.fd)
  const own = `lock-${process.pid}-${randomBytes(4).toString('hex')}`
  const server = await listen(at(own))
  const release = () => closeServer(server, join(path, own))
  try {
    await chmod(at(own), 0o600)
    for (const name of await readdir(path)) {
      const holder = LOCK_NAME.exec(name)?.[1]
      if (holder === undefined || name === own) continue
      if (await answers(at(name))) throw inUse(path, holder)
      await rm(join(path, name), { force: true })
    }
    return { release }
  } catch (error) {
    await release()
    throw error
  }
}

/** The shortest way to name a socket: addresses of sockets are short. */
function socketPath(directory: string, name: string, fd: number): string {
  const candidates = [join(directory, name), relative(process.cwd(), join(directory, name))]
  const short = candidates.find(path => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES)
  return short ?? `/proc/self/fd/${fd}/${name}`
}

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => socket.destroy())
    server.once('error', cause => {
      reject(
        new EdgewrightError('STORE_FAILED', `The store cannot be locked: ${cause.message}`, {
          place: path,
          remedy: 'Put it into a folder that this user may write to, on a file system that knows sockets.',
          cause,
        }),
      )
    })
    server.listen({ path, exclusive: true }, () => {
      server.unref()
      resolve(server)
    })
  })
}

function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', error => {
      const code = (error as NodeJS.ErrnoException).code
      resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT')
    })
  })
}

async function closeServer(server: Server, path: string): Promise<void> {
  await new Promise(resolve => server.close(resolve))
  await rm(path, { force: true })
}

function inUse(place: string, pid: string): EdgewrightError {
  return new EdgewrightError('STORE_IN_USE', `Process ${pid} has the store open`, {
    place,
    remedy: 'Stop that process, or give this one another path.',
  })
}
