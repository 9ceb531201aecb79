import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { FreeTopicsPartOptions } from '../src/index.js'

/** What a gateway process is started with. */
export interface GatewayProcessSettings {
  readonly dataDir: string
  readonly connectionString: string
  readonly ca: string
  readonly ports: { readonly amqp: number; readonly https: number }
  readonly routes?: Readonly<Record<string, string>>
  readonly topics?: FreeTopicsPartOptions
}

/** A gateway in a process of its own, from the built packages. */
export interface GatewayProcess {
  /** `address:port` of the MQTT listener. */
  readonly host: string
  readonly trustBundle: string
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGTERM; rejects when the process does not end well. */
  stop(): Promise<void>
}

export async function startGatewayProcess(settings: GatewayProcessSettings): Promise<GatewayProcess> {
  const child = fork(new URL('./gateway-process.mjs', import.meta.url), {
    env: { ...process.env, GATEWAY: JSON.stringify(settings) },
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exit = once(child, 'exit')
  const ended = exit.then(([code]) => Promise.reject(new Error(`The gateway ended with ${code}`)))
  ended.catch(() => undefined)
  const [{ host, trustBundle }] = await Promise.race([once(child, 'message'), ended])
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    return (await exit)[0]
  }
  return {
    host,
    trustBundle,
    kill: async () => void (await end('SIGKILL')),
    async stop() {
      const code = await end('SIGTERM')
      if (code !== 0) throw new Error(`The gateway ended with ${code}`)
    },
  }
}
