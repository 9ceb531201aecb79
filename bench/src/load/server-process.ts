import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/** A server under load, in a process of its own. */
export interface ServerProcess extends AsyncDisposable {
  readonly host: string
  readonly port: number
  /** Seconds of processor time so far. */
  cpuSeconds(): number
}

/** Starts one of our server scripts; it sends `{ port }` once it listens. */
export async function forkServer(script: URL, args: readonly string[] = []): Promise<ServerProcess> {
  const child = fork(script, [...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [{ port }] = (await Promise.race([once(child, 'message'), failure(child)])) as [{ port: number }]
  return serverProcess(child, port)
}

/** Starts mosquitto; undefined where it is not installed. */
export async function spawnMosquitto(configuration: (port: number) => string[]): Promise<ServerProcess | undefined> {
  const port = await freePort()
  const child = spawn('mosquitto', configuration(port), { stdio: ['ignore', 'ignore', 'ignore'] })
  const missing = await Promise.race([once(child, 'spawn').then(() => false), once(child, 'error').then(() => true)])
  if (missing) return undefined
  await listening(port)
  return serverProcess(child, port)
}

function serverProcess(child: ChildProcess, port: number): ServerProcess {
  return {
    host: '127.0.0.1',
    port,
    cpuSeconds: () => cpuSeconds(child.pid!),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    },
  }
}

async function failure(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`The server ended with ${code}`)
}

/** User and system time from the kernel, which counts in hundredths of a second. */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      socket.destroy()
      return
    } catch {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
  throw new Error('The server does not listen')
}
