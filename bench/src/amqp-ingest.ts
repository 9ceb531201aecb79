import { createSasToken } from '@edgewright/protocol'
import type { BenchRow } from './bench.js'
import { type AmqpLoad, runAmqpLoad } from './load/amqp-load.js'
import { startRabbitMq } from './load/rabbitmq.js'
import { forkGateway, forkServer, type ServerProcess } from './load/server-process.js'

/*
 * Messages of 256 bytes over AMQP 1.0, settled by ours only after they are durable: how many a second, and what of a
 * processor each takes. What the figures do not say: the senders are rhea on the same machine and cost more than any of
 * the receivers but RabbitMQ, so the processor's time tells more than the rate. RabbitMQ keeps durable messages in a
 * durable queue.
 */
const CONNECTIONS = 4
const CREDIT = 500
const DURATION = 5_000

export async function run(): Promise<BenchRow[]> {
  const bare = new URL('./load/rhea-receiver.js', import.meta.url)
  const ours = await measure(await forkGateway({ protocol: 'amqp' }), {
    username: index => `device-${index}@sas.hub`,
    password: index => token(index),
    address: index => `/devices/device-${index}/messages/events`,
  })
  const anybody = { username: () => 'guest', password: () => 'guest' }
  const rhea = await measure(await forkServer(bare, [String(CREDIT)]), { ...anybody, address: () => 'any' })
  const rows = against(ours, 'bare rhea receiver, nothing stored', rhea)
  const rabbitMq = await startRabbitMq()
  if (rabbitMq === undefined) process.stderr.write('RabbitMQ is not installed, so it is left out.\n')
  else {
    const theirs = await measure(rabbitMq, { ...anybody, address: () => '/queue/bench', durable: true })
    rows.push(...against(ours, 'RabbitMQ, durable', theirs))
  }
  return rows
}

type Clients = Pick<AmqpLoad, 'username' | 'password' | 'address' | 'durable'>
type Measured = Awaited<ReturnType<typeof runAmqpLoad>>

async function measure(server: ServerProcess, clients: Clients): Promise<Measured> {
  await using running = server
  const { host, port, cpuSeconds } = running
  const load = { connections: CONNECTIONS, bodyBytes: 256, warmUp: 2_000, duration: DURATION }
  return await runAmqpLoad({ ...load, ...clients, host, port, cpuSeconds })
}

function against(ours: Measured, peer: string, theirs: Measured): BenchRow[] {
  const name = `${CONNECTIONS} connections, credit ${CREDIT}, log store`
  return [
    { case: name, ours: ours.rate, unit: 'messages/s', peer, peerValue: theirs.rate, ratio: ours.rate / theirs.rate },
    { case: name, ours: ours.cpu, unit: 'µs of CPU each', peer, peerValue: theirs.cpu, ratio: theirs.cpu / ours.cpu },
  ]
}

/** The gateway of the bench lets everybody in who shows a token. */
function token(index: number): string {
  const key = Buffer.from('bench').toString('base64')
  return createSasToken({ resource: `hub/devices/device-${index}`, key, expiresAt: Date.now() + 3_600_000 })
}
