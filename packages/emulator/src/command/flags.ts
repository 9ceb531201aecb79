import { parseArgs } from 'node:util'
import { EdgewrightError } from '@edgewright/core'

/** What the command line asks for. */
export interface Flags {
  readonly isHelp: boolean
  readonly isJson: boolean
  readonly address: string | undefined
  readonly hostName: string | undefined
  readonly dataDir: string | undefined
  /** Both or neither. */
  readonly certificate: { readonly certFile: string; readonly keyFile: string } | undefined
  /** Devices to make when they do not exist, `id`, `id:edge` or `id@parent`. */
  readonly devices: readonly string[]
  readonly seed: number | undefined
  readonly isVerbose: boolean
}

/** What `--help` prints. */
export const USAGE = `Runs an IoT Hub to develop and test against.

  edgewright-emulator [FLAGS]

  --device ID          make this device; ID:edge is an edge device, ID@PARENT stands behind one; may be repeated
  --address ADDR       where to listen: MQTT 8883, AMQP 5671, HTTPS 443 (default 127.0.0.2)
  --hostname NAME      name in connection strings (default: the address)
  --data-dir DIR       keep state and certificate here and find them again (default: nothing is kept)
  --cert FILE          certificate of the server, PEM (default: one is made)
  --key FILE           its private key, PEM
  --seed N             what faults that strike by chance go by (default 1)
  --json               newline-delimited JSON on standard output
  --verbose            say on standard error what happens
  --help               this text

Faults on command: POST https://ADDR/$emulator/faults {"kind":"cut"}; DELETE lifts them.
`

/** Reads the command line. @throws `EMULATOR_FLAGS_INVALID` */
export function parseFlags(args: readonly string[]): Flags {
  const values = parse(args)
  const { cert: certFile, key: keyFile } = values
  if ((certFile === undefined) !== (keyFile === undefined)) throw invalid('--cert and --key belong together')
  const seed = values.seed === undefined ? undefined : Number(values.seed)
  if (seed !== undefined && !Number.isSafeInteger(seed)) throw invalid('--seed must be a whole number')
  return {
    isHelp: values.help === true,
    isJson: values.json === true,
    isVerbose: values.verbose === true,
    address: values.address,
    hostName: values.hostname,
    dataDir: values['data-dir'],
    certificate: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile },
    devices: values.device ?? [],
    seed,
  }
}

function parse(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        address: { type: 'string' },
        cert: { type: 'string' },
        'data-dir': { type: 'string' },
        device: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h' },
        hostname: { type: 'string' },
        json: { type: 'boolean' },
        key: { type: 'string' },
        seed: { type: 'string' },
        verbose: { type: 'boolean' },
      },
    })
    return values
  } catch (cause) {
    throw invalid((cause as Error).message)
  }
}

function invalid(reason: string): EdgewrightError {
  return new EdgewrightError('EMULATOR_FLAGS_INVALID', reason, { remedy: 'See --help.' })
}
