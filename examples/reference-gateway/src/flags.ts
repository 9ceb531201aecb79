import { parseArgs } from 'node:util'
import { EdgewrightError } from 'edgewright'

/** What the command line asks of a run. */
export interface RunFlags {
  /** Print events as newline-delimited JSON on standard output, and nothing else there. */
  readonly json: boolean
  /** Where state is kept and found again; absent: a temporary folder, removed at the end. */
  readonly dataDir: string | undefined
  /** Address of the hub's listeners. */
  readonly listen: string
  /** Address of the embedded cloud. */
  readonly cloudListen: string
  /** A further DNS name for the hub's certificate, told to clients as GatewayHostName. */
  readonly hostname: string | undefined
  readonly samples: boolean
  /** A deployment document that is applied in place of the samples. */
  readonly config: string | undefined
}

/** The command line, understood. */
export type Flags = { readonly kind: 'help' } | ({ readonly kind: 'run' } & RunFlags)

/** What `--help` prints. */
export const USAGE = `Runs the reference gateway on embedded defaults.

  npm start [-- FLAGS]
  npm start -- route check FILE [--json]
  npm start -- route explain FILE --message FILE [--json]
  npm start -- deploy [--plan] FILE  --data-dir DIR [--json]
  npm start -- modules list | restart MODULE  --data-dir DIR [--json]
  npm start -- dead-letters list | show KEY | retry KEY | drop KEY  --data-dir DIR [--json]
  npm start -- store verify | show | repair  --data-dir DIR [--json]
  npm start -- certificates list  --data-dir DIR [--json]
  npm start -- endpoints list | purge ENDPOINT  --data-dir DIR [--json]

Flags, all optional
  --json               newline-delimited JSON events on standard output
  --data-dir DIR       keep state here and find it again (default: temporary)
  --listen ADDR        address of the hub's listeners (default 127.0.0.1)
  --cloud-listen ADDR  address of the embedded cloud (default 127.0.0.2)
  --hostname NAME      a further DNS name of the hub, told to clients
  --no-samples         no sample modules; everything goes to $upstream
  --config FILE        a deployment document: its $edgeHub routes and its modules are applied
  --help               this text

To connect to a real IoT hub, or any cloud outside, set EDGEWRIGHT_CONNECTION_STRING to the connection string of an
edge device, or EDGEWRIGHT_PROVISIONING to a file that says who this gateway is (docs/guides/provisioning.md), and
EDGEWRIGHT_CLOUD_CA to a PEM file when the certificate of the cloud is not publicly trusted.

Set EDGEWRIGHT_EDGE_CA and EDGEWRIGHT_EDGE_CA_KEY to the PEM files of an authority (its certificate first, then its
issuers) that the gateway's certificates are to come from. Without them it makes one, for development only.
`

/**
 * Reads the command line.
 *
 * @throws `FLAGS_INVALID`
 */
export function parseFlags(args: readonly string[]): Flags {
  const { values } = parse(args)
  if (values.help === true) return { kind: 'help' }
  return {
    kind: 'run',
    json: values.json === true,
    dataDir: values['data-dir'],
    listen: values.listen ?? '127.0.0.1',
    cloudListen: values['cloud-listen'] ?? '127.0.0.2',
    hostname: values.hostname,
    samples: values['no-samples'] !== true && values.config === undefined,
    config: values.config,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        json: { type: 'boolean' },
        'data-dir': { type: 'string' },
        listen: { type: 'string' },
        'cloud-listen': { type: 'string' },
        hostname: { type: 'string' },
        'no-samples': { type: 'boolean' },
        config: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    })
  } catch (cause) {
    throw new EdgewrightError('FLAGS_INVALID', cause instanceof Error ? cause.message : String(cause), {
      remedy: 'See --help.',
      cause,
    })
  }
}
