import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { NoRetry } from 'azure-iot-common'
import { Client, Message } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterEach, describe, expect, it } from 'vitest'

const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url))

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** One event of the program. */
// biome-ignore lint/suspicious/noExplicitAny: events are read as a program in any language would
type Event = any

/** The program, run as a user would, on loopback addresses of its own. */
class Program {
  readonly events: Event[] = []
  readonly notJson: string[] = []
  stderr = ''
  readonly #child: ChildProcess
  readonly #exit: Promise<unknown[]>
  #changed: () => void = () => undefined

  constructor(args: readonly string[], command: readonly string[] = [process.execPath, PROGRAM]) {
    const [file = '', ...first] = command
    this.#child = spawn(file, [...first, ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
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

let next = 1
const addresses = () => {
  const block = next++
  return ['--listen', `127.1.${block}.1`, '--cloud-listen', `127.1.${block}.2`]
}

describe('the reference gateway', () => {
  const folders: string[] = []
  const temporary = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'edgewright-reference-'))
    folders.push(folder)
    return folder
  }
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
  })

  it('prints JSON events and nothing else, runs its samples and stops when told to', async () => {
    const program = new Program(['--json', ...addresses()])
    const ready = await program.event(({ event }) => event === 'ready')
    expect(ready).toMatchObject({
      hub: { host: '127.1.1.1', mqtt: 8883, amqp: 5671, https: expect.any(Number) },
      cloud: { host: '127.1.1.2', amqp: 5671 },
    })
    expect(ready.cloud.connectionString).toMatch(/^HostName=127\.1\.1\.2;SharedAccessKeyName=iothubowner;/)
    expect(ready.module.connectionString).toMatch(/ModuleId=.*GatewayHostName=127\.1\.1\.1/)
    expect(await readFile(ready.caFile, 'utf8')).toContain('BEGIN CERTIFICATE')
    await program.event(({ event, routes }) => event === 'status' && routes.some((route: Event) => route.messages > 0))
    const { code, milliseconds } = await program.stop()
    expect(code).toBe(0)
    expect(milliseconds).toBeLessThan(10_000)
    expect(program.notJson).toEqual([])
    expect(program.events.at(-1)).toEqual({ event: 'stopped' })
  })

  it('is what `npm start` runs: nothing of npm on standard output, and its signals arrive', async () => {
    const program = new Program(['--json', ...addresses()], ['npm', 'start', '--'])
    await program.event(({ event }) => event === 'ready')
    expect((await program.stop()).code).toBe(0)
    expect(program.notJson).toEqual([])
    expect(program.events.at(-1)).toEqual({ event: 'stopped' })
  })

  it('takes telemetry of an unmodified device SDK, and finds its state again', async () => {
    const dataDir = await temporary()
    const args = ['--json', '--no-samples', '--data-dir', dataDir, ...addresses()]
    const first = new Program(args)
    const ready = await first.event(({ event }) => event === 'ready')
    await send(ready.device.connectionString, await readFile(ready.caFile, 'utf8'))
    await first.event(({ event, queues }) => event === 'status' && delivered(queues) === 1)
    await first.stop()
    const second = new Program(args)
    const again = await second.event(({ event }) => event === 'ready')
    expect(again.device).toEqual(ready.device)
    expect(again.cloud.connectionString).toEqual(ready.cloud.connectionString)
    await send(again.device.connectionString, await readFile(again.caFile, 'utf8'))
    await second.stop()
  })

  it('answers questions about its queues while it runs', async () => {
    const dataDir = await temporary()
    const program = new Program(['--json', '--no-samples', '--data-dir', dataDir, ...addresses()])
    await program.event(({ event }) => event === 'ready')
    const ask = new Program(['endpoints', 'list', '--json', '--data-dir', dataDir])
    expect(await ask.end()).toBe(0)
    expect(ask.events).toEqual([[{ endpoint: 'upstream', waiting: 0, bytes: 0, routed: true }]])
    const busy = new Program(['store', 'verify', '--data-dir', dataDir])
    expect(await busy.end()).toBe(1)
    expect(busy.stderr).toMatch(/Process \d+ has the store open/)
    const show = new Program(['dead-letters', 'show', 'nothing', '--data-dir', dataDir])
    expect(await show.end()).toBe(1)
    expect(show.stderr).toContain('no such dead letter')
    await program.stop()
    const verify = new Program(['store', 'verify', '--json', '--data-dir', dataDir])
    expect(await verify.end()).toBe(0)
    expect(verify.events[0]).toMatchObject({ isIntact: true })
    const late = new Program(['endpoints', 'list', '--data-dir', dataDir])
    expect(await late.end()).toBe(1)
    expect(late.stderr).toContain('No gateway runs')
  })

  it('applies the routes of a deployment document', async () => {
    const config = join(await temporary(), 'deployment.json')
    const routes = { mine: { route: 'FROM /messages/* INTO $upstream', priority: 0, timeToLiveSecs: 60 } }
    await writeFile(
      config,
      JSON.stringify({ modulesContent: { $edgeHub: { 'properties.desired': { schemaVersion: '1.1', routes } } } }),
    )
    const program = new Program(['--json', '--config', config, ...addresses()])
    const status = await program.event(({ event }) => event === 'status')
    expect(status.routes).toEqual([{ name: 'mine', messages: 0 }])
    await program.stop()
  })

  it('says what is wrong with its command line and ends with 1', async () => {
    const program = new Program(['--nonsense'])
    expect(await program.end()).toBe(1)
    expect(program.stderr).toMatch(/--nonsense.*--help/s)
    expect(program.stderr).not.toContain('at ')
  })

  it('says what is wrong with a deployment document', async () => {
    const config = join(await temporary(), 'deployment.json')
    await writeFile(config, '{"modulesContent":{}}')
    const program = new Program(['--json', '--config', config, ...addresses()])
    expect(await program.end()).toBe(1)
    expect(program.stderr).toContain('deployment.json')
    expect(program.stderr).toContain('routes')
  })
})

async function send(connectionString: string, ca: string): Promise<void> {
  const client = Client.fromConnectionString(connectionString, Mqtt)
  client.setRetryPolicy(new NoRetry())
  await client.setOptions({ ca })
  await client.open()
  await client.sendEvent(new Message('{"celsius":21}'))
  await client.close()
}

function delivered(queues: readonly Event[]): number {
  return queues.find(({ endpoint }) => endpoint === 'upstream')?.delivered ?? 0
}
