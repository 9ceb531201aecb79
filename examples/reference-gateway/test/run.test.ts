import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NoRetry } from 'azure-iot-common'
import { Client, Message } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { type Event, loopbackAddresses, Program } from './program.js'

const addresses = loopbackAddresses(1)

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
