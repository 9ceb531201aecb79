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
  /** Bytes of memory in use. */
  memory(): number
}

/** What a gateway under load is made of. */
export interface GatewaySettings {
  /** @default 'log' */
  readonly store?: 'log' | 'lmdb' | 'memory'
  /** @default 'mqtt' */
  readonly protocol?: 'mqtt' | 'amqp'
  /** @default everything goes to the cloud */
  readonly routes?: Readonly<Record<string, string>>
  /** PEM. @default no TLS */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined
}

/** Starts our hub with one front-end. */
export function forkGateway(settings: GatewaySettings = {}): Promise<ServerProcess> {
  return forkServer(new URL('./gateway-server.js', import.meta.url), [JSON.stringify(settings)])
}

/** Starts one of our server scripts; it sends `{ port }` once it listens. */
export async function forkServer(script: URL, args: readonly string[] = []): Promise<ServerProcess> {
  const child = fork(script, [...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const [{ port }] = (await Promise.race([once(child, 'message'), failure(child)])) as [{ port: number }]
  return serverProcess(child, port)
}

/** Starts mosquitto; undefined where it is not installed. */
export async function spawnMosquitto(
  configuration: (port: number) => Promise<string[]>,
): Promise<ServerProcess | undefined> {
  const port = await freePort()
  const child = spawn('mosquitto', await configuration(port), { stdio: ['ignore', 'ignore', 'ignore'] })
  const missing = await Promise.race([once(child, 'spawn').then(() => false), once(child, 'error').then(() => true)])
  if (missing) return undefined
  await listening(port)
  return serverProcess(child, port)
}

/** A child that listens on a port of loopback. */
export function serverProcess(child: ChildProcess, port: number): ServerProcess {
  return {
    host: '127.0.0.1',
    port,
    cpuSeconds: () => cpuSeconds(child.pid!),
    memory: () => memory(child.pid!),
    [Symbol.asyncDispose]: () => ended(child),
  }
}

/** Ends a child, and waits until it has. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
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

function memory(pid: number): number {
  return Number(/VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1_024
}

/** A port of loopback that nobody has. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Resolves when something listens on a port of loopback. */
export async function listening(port: number): Promise<void> {
  for (let attempt = 0; attempt < 1_200; attempt++) {
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
