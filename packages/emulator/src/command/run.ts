import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityKey, lineLogger, silentLogger, systemClock } from '@edgewright/core'
import { createEmulator, type Emulator } from '../emulator.js'
import { EMULATOR_DEFAULTS, type EmulatorTls } from '../options.js'
import type { HubEvent } from '../state/event.js'
import { certificateIn } from './certificate-files.js'
import { type Flags, parseFlags, USAGE } from './flags.js'

/** What a command needs of the process it runs in. */
export interface CommandProcess {
  stdout(text: string): void
  stderr(text: string): void
  /** Aborted when the process is asked to end. */
  readonly signal: AbortSignal
}

/** Runs an emulator until the process is asked to end. */
export async function run(args: readonly string[], outside: CommandProcess): Promise<void> {
  const flags = parseFlags(args)
  if (flags.isHelp) {
    outside.stdout(USAGE)
    return
  }
  const temporary = flags.dataDir === undefined ? await mkdtemp(join(tmpdir(), 'edgewright-emulator-')) : undefined
  try {
    await runIn(temporary ?? (flags.dataDir as string), flags, outside)
  } finally {
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true })
  }
}

async function runIn(folder: string, flags: Flags, outside: CommandProcess): Promise<void> {
  const { dataDir, isVerbose } = flags
  const { caFile, ...tls } = await certificates(folder, flags)
  await using emulator = createEmulator({
    tls,
    logger: isVerbose ? lineLogger(line => outside.stderr(`${line}\n`)) : silentLogger,
    ...(flags.address === undefined ? {} : { address: flags.address }),
    ...(flags.hostName === undefined ? {} : { hostName: flags.hostName }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(dataDir === undefined ? {} : { dataDir: join(dataDir, 'hub') }),
  })
  await emulator.start()
  for (const device of flags.devices) register(emulator, device)
  outside.stdout(flags.isJson ? `${JSON.stringify(readyEvent(emulator, caFile))}\n` : readyText(emulator, caFile))
  for await (const event of emulator.events.read({ from: 'latest', signal: outside.signal })) {
    outside.stdout(`${flags.isJson ? JSON.stringify(telemetryEvent(event)) : telemetryText(event)}\n`)
  }
}

async function certificates(folder: string, flags: Flags): Promise<EmulatorTls & { readonly caFile: string }> {
  const { address = EMULATOR_DEFAULTS.address, certificate, hostName = address } = flags
  if (certificate === undefined) {
    return certificateIn(join(folder, 'certificate'), [address, ...new Set([hostName, 'localhost'])], systemClock.now())
  }
  const { certFile, keyFile } = certificate
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
  return { cert, key, caFile: certFile }
}

/** `id`, `id:edge`, `id@parent`: what exists already stays as it is. */
function register({ registry }: Emulator, text: string): void {
  const [, deviceId = text, edge, parentId] = /^([^@]+?)(:edge)?(?:@(.+))?$/.exec(text) ?? []
  if (registry.find({ deviceId }) !== undefined) return
  registry.createDevice({ deviceId, parentId, capabilities: { iotEdge: edge !== undefined } })
}

function readyEvent(emulator: Emulator, caFile: string) {
  const { hostName: host, ports, connectionString, eventHubConnectionString } = emulator
  const devices = Object.fromEntries(deviceStrings(emulator))
  return { event: 'ready', host, ...ports, connectionString, eventHubConnectionString, caFile, devices }
}

function readyText(emulator: Emulator, caFile: string): string {
  const { address, ports, connectionString, eventHubConnectionString } = emulator
  const devices = deviceStrings(emulator).map(([deviceId, text]) => `  ${deviceId}\n    ${text}\n`)
  return [
    `An IoT Hub is listening on ${address}: MQTT ${ports.mqtt}, AMQP ${ports.amqp}, HTTPS ${ports.https}.\n\n`,
    `Service\n  ${connectionString}\nTelemetry (Event Hubs)\n  ${eventHubConnectionString}\n`,
    `Devices\n${devices.length === 0 ? '  none yet: --device ID, or create them with a service SDK\n' : devices.join('')}`,
    `Trust\n  ${caFile}\n\nCtrl-C stops it. What devices send follows.\n`,
  ].join('')
}

function deviceStrings(emulator: Emulator): [string, string][] {
  return Array.from(emulator.registry.devices(), ({ identity: { deviceId } }) => [
    deviceId,
    emulator.deviceConnectionString(deviceId),
  ])
}

function telemetryEvent({ sender, message, enqueuedTime, partition, sequenceNumber, source }: HubEvent) {
  return {
    event: 'telemetry',
    ...sender,
    source,
    partition,
    sequenceNumber,
    enqueuedTime: new Date(enqueuedTime).toISOString(),
    properties: Object.fromEntries(message.properties),
    system: message.system,
    body: Buffer.from(message.body).toString('utf8'),
  }
}

const LONGEST_BODY = 200

function telemetryText({ sender, message, enqueuedTime }: HubEvent): string {
  const body = Buffer.from(message.body).toString('utf8')
  const shown = body.length > LONGEST_BODY ? `${body.slice(0, LONGEST_BODY)}…` : body
  const output = message.system.outputName === undefined ? '' : ` [${message.system.outputName}]`
  return `${new Date(enqueuedTime).toISOString()}  ${identityKey(sender)}${output}  ${shown.replace(/\s+/g, ' ')}`
}
