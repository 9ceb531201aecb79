import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createMessage, type Identity } from '@edgewright/core'
import { testCertificates } from '@edgewright/testkit'
import { IotHubUpstream } from '@edgewright/upstream'
import rhea, { type Connection, type ConnectionOptions } from 'rhea'
import type { BenchRow } from './bench.js'
import { forkServer, type ServerProcess } from './load/server-process.js'

/*
 * How many messages of 256 bytes a second get their outcome over one TLS connection, from one identity and from many,
 * beside a bare rhea sender with one link to the same sink. What the figures do not say: the sink is on the same
 * machine, keeps nothing, and bounds both; there is no distance in between.
 */
const BODY = Buffer.alloc(256, 'x')
const MESSAGE = createMessage({ body: BODY })
const MANY = 1_000
const BATCH = 250
/** Ours and the peer's in turn, so that both see the machine alike; medians count. */
const ROUNDS = 3
const WARM_UP = 1_000
const DURATION = 2_000

const certificates = testCertificates({ ipAddresses: ['127.0.0.1'] })

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = []
  for (const identities of [1, 100, 1_000]) {
    const [rates, peers]: [number[], number[]] = [[], []]
    for (let round = 0; round < ROUNDS; round++) {
      peers.push(await withSink(sink => bareSender(sink, 1)))
      rates.push(await withSink(sink => multiplexed(sink, identities)))
    }
    const name = `${identities} ${identities === 1 ? 'identity' : 'identities'}, 256 B`
    const ours = median(rates)
    const beside = (peer: string, peerValue: number) =>
      rows.push({ case: name, ours, unit: 'msg/s', peer, peerValue, ratio: ours / peerValue })
    beside('bare rhea sender, one link', median(peers))
    if (identities > 1) beside('bare rhea, a session each', await withSink(sink => bareSender(sink, identities)))
  }
  const peerValue = await withSink(memoryOfBareLinks)
  const ours = await withSink(memoryOfIdentities)
  const peer = 'bare rhea session with one link'
  rows.push({ case: 'memory of an identity that sent', ours, unit: 'KiB', peer, peerValue, ratio: peerValue / ours })
  return rows
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

async function withSink<T>(measure: (sink: ServerProcess) => Promise<T>): Promise<T> {
  const { key, cert } = certificates
  await using sink = await forkServer(new URL('./load/amqp-sink.js', import.meta.url), [key, cert])
  return await measure(sink)
}

async function multiplexed(sink: ServerProcess, count: number): Promise<number> {
  const upstream = await connected(sink)
  const batch = Array.from({ length: Math.max(10, Math.ceil(BATCH / count)) }, () => MESSAGE)
  const counter = { done: 0 }
  let running = true
  const senders = identities(count).map(async identity => {
    const session = upstream.session(identity)
    while (running) {
      const outcomes = await session.send(batch)
      counter.done += outcomes.filter(({ kind }) => kind === 'accepted').length
    }
  })
  const rate = await counted(counter)
  running = false
  await Promise.all(senders)
  await upstream.stop()
  return rate
}

async function memoryOfIdentities(sink: ServerProcess): Promise<number> {
  const upstream = await connected(sink)
  const before = heapKiB()
  await Promise.all(identities(MANY).map(identity => upstream.session(identity).send([MESSAGE])))
  const each = (heapKiB() - before) / MANY
  await upstream.stop()
  return each
}

async function connected(sink: ServerProcess): Promise<IotHubUpstream> {
  const upstream = new IotHubUpstream({
    host: 'sink',
    gatewayHost: sink.host,
    ports: { amqp: sink.port },
    ca: certificates.ca,
    token: async (_, audience) => `SharedAccessSignature sr=${audience}&sig=AAAA&se=9999999999`,
  })
  await upstream.start()
  await new Promise(resolve => upstream.once('connectivity', resolve))
  return upstream
}

function identities(count: number): readonly Identity[] {
  return Array.from({ length: count }, (_, at) => ({ deviceId: `device-${at}` }))
}

/** @param sessions - on the one connection, with a link each */
async function bareSender(sink: ServerProcess, sessions: number): Promise<number> {
  const counter = { done: 0 }
  const connection = bareConnection(sink)
  await once(connection, 'connection_open')
  const message = { body: rhea.message.data_section(BODY) }
  const most = Math.max(10, Math.ceil(BATCH / sessions))
  const ready: Promise<unknown>[] = []
  for (let at = 0; at < sessions; at++) {
    const session = connection.create_session()
    session.begin()
    const sender = session.open_sender('events')
    let open = 0
    const send = () => {
      for (; sender.sendable() && (sessions === 1 || open < most); open++) sender.send(message)
    }
    ready.push(once(sender, 'sendable'))
    sender.on('sendable', send)
    sender.on('accepted', () => {
      counter.done += 1
      open -= 1
      send()
    })
  }
  await Promise.all(ready)
  const rate = await counted(counter)
  connection.close()
  return rate
}

async function memoryOfBareLinks(sink: ServerProcess): Promise<number> {
  const connection = bareConnection(sink)
  await once(connection, 'connection_open')
  const before = heapKiB()
  const sent = Array.from({ length: MANY }, () => {
    const session = connection.create_session()
    session.begin()
    const sender = session.open_sender('events')
    sender.once('sendable', () => sender.send({ body: rhea.message.data_section(BODY) }))
    return once(sender, 'accepted')
  })
  await Promise.all(sent)
  const each = (heapKiB() - before) / MANY
  connection.close()
  return each
}

function bareConnection(sink: ServerProcess): Connection {
  const { host, port } = sink
  const options = { transport: 'tls', host, port, ca: certificates.ca, reconnect: false, servername: 'localhost' }
  const connection = rhea.create_container().connect(options as ConnectionOptions)
  connection.on('disconnected', () => undefined)
  return connection
}

async function counted(counter: { done: number }): Promise<number> {
  await passed(WARM_UP)
  const [before, began] = [counter.done, performance.now()]
  await passed(DURATION)
  return ((counter.done - before) / (performance.now() - began)) * 1000
}

function passed(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

/** What is in use after a collection. */
function heapKiB(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed / 1024
}
