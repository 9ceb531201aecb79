import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Gateway, lineLogger, type Logger, settleInOrder } from 'edgewright'
import { startControlServer } from '../control/control-server.js'
import { startEmbeddedCloud } from '../embedded-cloud.js'
import { parseFlags, type RunFlags, USAGE } from '../flags.js'
import { startGateway } from '../reference-gateway.js'
import { writeCaFile } from '../ca-file.js'
import { jsonView } from '../views/json-view.js'
import { liveView } from '../views/live-view.js'
import { plainView } from '../views/plain-view.js'
import type { View } from '../views/view.js'

/** Milliseconds between two looks at what goes on. */
const INTERVALS = { live: 250, json: 1_000, plain: 5_000 }
/** Milliseconds after which a stop that hangs is given up. */
const STOP_DEADLINE = 9_000

/**
 * Runs the gateway until it is told to stop.
 *
 * @returns the exit code
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  const flags = parseFlags(args)
  if (flags.kind === 'help') {
    process.stdout.write(USAGE)
    return 0
  }
  const interactive = !flags.json && process.stdout.isTTY === true
  const view = viewFor(flags, interactive)
  const stopSignal = untilSignal()
  const teardown: (() => Promise<unknown>)[] = []
  try {
    const gateway = await start(flags, view, teardown)
    const show = () => view.status(gateway.status())
    show()
    const timer = setInterval(show, INTERVALS[flags.json ? 'json' : interactive ? 'live' : 'plain'])
    teardown.push(async () => clearInterval(timer))
    view.stopping(await stopSignal)
  } finally {
    const deadline = setTimeout(() => process.exit(1), STOP_DEADLINE)
    await settleInOrder(teardown.reverse())
    clearTimeout(deadline)
    view.stopped()
  }
  return 0
}

async function start(flags: RunFlags, view: View, teardown: (() => Promise<unknown>)[]): Promise<Gateway> {
  const logger = lineLogger(line => view.log(line))
  const dataDir = flags.dataDir ?? (await temporaryFolder(teardown))
  const cloud = await startCloud(flags, dataDir, logger)
  if (cloud !== undefined) teardown.push(() => cloud.stop())
  const { gateway, hub } = await startGateway({ flags, dataDir, cloud, logger })
  teardown.push(() => gateway.stop())
  const control = await startControlServer(gateway, dataDir)
  teardown.push(() => control.stop())
  gateway.on('connectivity', connectivity => view.connectivity(connectivity))
  const caFile = await writeCaFile(dataDir, gateway.trustBundle)
  view.ready({ hub, caFile, ...cloud?.describe(flags.hostname ?? flags.listen) })
  return gateway
}

async function startCloud(flags: RunFlags, dataDir: string, logger: Logger) {
  const { EDGEWRIGHT_CONNECTION_STRING, EDGEWRIGHT_PROVISIONING } = process.env
  return EDGEWRIGHT_CONNECTION_STRING === undefined && EDGEWRIGHT_PROVISIONING === undefined
    ? await startEmbeddedCloud({ listen: flags.cloudListen, dataDir, logger })
    : undefined
}

async function temporaryFolder(teardown: (() => Promise<unknown>)[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-'))
  teardown.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

function viewFor(flags: RunFlags, interactive: boolean): View {
  const write = (text: string) => void process.stdout.write(text)
  if (flags.json) return jsonView(write, text => void process.stderr.write(text))
  if (!interactive) return plainView(write)
  return liveView({
    write,
    get columns() {
      return process.stdout.columns ?? 80
    },
  })
}

/** The signal that asks for the end. */
function untilSignal(): Promise<string> {
  return new Promise(resolve => {
    process.once('SIGINT', () => resolve('SIGINT'))
    process.once('SIGTERM', () => resolve('SIGTERM'))
  })
}
