import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { realpath } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EdgewrightError, type ModuleSpecification } from '@edgewright/core'
import { DockerRuntime, type SupervisedModule, Supervisor } from '@edgewright/supervisor'
import type { BenchRow } from './bench.js'

/*
 * Time from a new deployment to its module running, beside `docker run --detach` of the same image, one after the other
 * in one run; and what 50 modules that run cost an idle supervisor. The image is made here, of this machine's own
 * `sleep`, and is not fetched: what a registry takes is not in the figures. The peer's figure holds the start of its
 * command line tool, which is part of what its users wait for.
 */
const ROUNDS = 15
const MODULES = 50
const IDLE = 5_000
const IMAGE = '127.0.0.1:1/edgewright/bench-supervisor:1'
const PREFIX = `bench-${process.pid}-`

const run_ = promisify(execFile)

export async function run(): Promise<BenchRow[]> {
  await assertEngine()
  await makeImage()
  const ours: number[] = []
  const peers: number[] = []
  try {
    const supervisor = new Supervisor({ runtimes: [new DockerRuntime({}, { scope: PREFIX })] }, { grace: 0 })
    await supervisor.start()
    for (let round = 0; round < ROUNDS + 1; round++) {
      const [deployed, started] = [await timed(() => deploy(supervisor, [`round-${round}`])), await dockerRun(round)]
      // The first round fills caches, also the engine's.
      if (round > 0) {
        ours.push(deployed)
        peers.push(started)
      }
      await withdraw(supervisor)
    }
    await supervisor.stop()
    const idle = await idleCost()
    const [our, peer] = [median(ours), median(peers)]
    return [
      {
        case: `new deployment to running, median of ${ROUNDS}`,
        ours: our,
        unit: 'ms',
        peer: 'docker run --detach',
        peerValue: peer,
        ratio: peer / our,
      },
      ...idle,
    ]
  } finally {
    await removeContainers()
    await run_('docker', ['image', 'rm', IMAGE]).catch(() => undefined)
  }
}

/** Stands before the engine and counts what is asked of it. */
async function countingEngine(): Promise<{ readonly path: string; asked: number; close(): void }> {
  const path = join(tmpdir(), `${PREFIX}engine.sock`)
  const counting = { path, asked: 0, close: () => void server.close() }
  const server = createServer(client => {
    const engine = connect('/var/run/docker.sock')
    client.on('data', chunk => {
      if (/^(GET|POST|PUT|DELETE|HEAD) /.test(chunk.toString('latin1', 0, 8))) counting.asked++
    })
    client.on('error', () => engine.destroy())
    engine.on('error', () => client.destroy())
    client.pipe(engine).pipe(client)
  })
  server.listen(path)
  await once(server, 'listening')
  return counting
}

async function idleCost(): Promise<BenchRow[]> {
  const engine = await countingEngine()
  const runtime = new DockerRuntime({}, { scope: PREFIX, socketPath: engine.path })
  const supervisor = new Supervisor({ runtimes: [runtime] }, { grace: 0 })
  await supervisor.start()
  await deploy(
    supervisor,
    Array.from({ length: MODULES }, (_, index) => `idle-${index}`),
  )
  // What starts a module is over when the last of them counts as settled.
  await new Promise(resolve => setTimeout(resolve, 6_000))
  engine.asked = 0
  const before = process.cpuUsage()
  await new Promise(resolve => setTimeout(resolve, IDLE))
  const { user, system } = process.cpuUsage(before)
  const percent = ((user + system) / 1_000 / IDLE) * 100
  const memory = process.memoryUsage().rss / 1_048_576
  const { asked } = engine
  await supervisor.stop()
  engine.close()
  const idle = `${MODULES} modules run, nothing happens`
  return [
    {
      case: `${idle}: calls of the engine`,
      ours: asked,
      unit: '',
      peer: 'goal',
      peerValue: 0,
      ratio: asked === 0 ? 1 : 0,
    },
    { case: `${idle}: processor`, ours: percent, unit: '%', peer: 'limit', peerValue: 1, ratio: 1 / percent },
    {
      case: `${idle}: memory of the process`,
      ours: memory,
      unit: 'MiB',
      peer: 'limit',
      peerValue: 150,
      ratio: 150 / memory,
    },
  ]
}

function moduleOf(name: string): SupervisedModule {
  const createOptions = { Cmd: ['/sleep', '1000'], HostConfig: { NetworkMode: 'none' } }
  const specification: ModuleSpecification = {
    name: PREFIX + name,
    type: 'docker',
    settings: { image: IMAGE, createOptions },
    environment: {},
  }
  return { specification, imagePullPolicy: 'never' }
}

/** Resolves when all of them run. */
async function deploy(supervisor: Supervisor, names: readonly string[]): Promise<void> {
  supervisor.apply(names.map(moduleOf))
  while (!supervisor.status().every(({ state }) => state === 'running')) await once(supervisor as never, 'status')
}

async function withdraw(supervisor: Supervisor): Promise<void> {
  supervisor.apply([])
  await removeContainers()
  while (supervisor.status().length > 0) await new Promise(resolve => setTimeout(resolve, 10))
}

async function dockerRun(round: number): Promise<number> {
  const name = `${PREFIX}peer-${round}`
  return await timed(() =>
    run_('docker', ['run', '--detach', '--network', 'none', '--name', name, IMAGE, '/sleep', '1000']),
  )
}

async function timed(body: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await body()
  return performance.now() - start
}

async function removeContainers(): Promise<void> {
  const { stdout } = await run_('docker', ['ps', '--all', '--quiet', '--filter', `name=^${PREFIX}`])
  const ids = stdout.split('\n').filter(Boolean)
  if (ids.length > 0) await run_('docker', ['rm', '--force', ...ids]).catch(() => undefined)
}

async function assertEngine(): Promise<void> {
  await run_('docker', ['version', '--format', '{{.Server.Version}}']).catch(cause => {
    throw new EdgewrightError('ENGINE_UNAVAILABLE', 'This bench needs a Docker Engine and its command line tool', {
      remedy: 'Run it on a machine that has both, as a user who may use the engine.',
      cause,
    })
  })
}

/** An image of `sleep` and what it links to. */
async function makeImage(): Promise<void> {
  const sleep = await realpath('/bin/sleep')
  const { stdout } = await run_('ldd', [sleep])
  const files = [...stdout.matchAll(/\/\S+/g)].map(([file]) => file)
  const program = sleep.slice(1)
  const archive = ['--create', '--dereference', '--directory', '/', '--transform', `s,^${program}$,sleep,`]
  const tar = execFile('tar', [...archive, program, ...files.map(file => file.slice(1))], {
    encoding: 'buffer',
    maxBuffer: 67_108_864,
  })
  const load = execFile('docker', ['import', '-', IMAGE])
  tar.stdout!.pipe(load.stdin!)
  const [code] = await once(load, 'exit')
  if (code !== 0) throw new Error('The image of this bench could not be made')
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}
