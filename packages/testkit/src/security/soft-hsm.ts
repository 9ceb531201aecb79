import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const PYTHON = '/usr/bin/python3'
const MODULE = '/usr/lib/softhsm/libsofthsm2.so'
const TOKEN = 'edge'

/** Whether SoftHSM and what speaks with it are installed: Debian's softhsm2 and python3-pykcs11. */
export function hasSoftHsm(): boolean {
  const works = (command: string, ...args: string[]) => spawnSync(command, args).status === 0
  return works('softhsm2-util', '--version') && works(PYTHON, '-c', 'import PyKCS11')
}

/** Why a test that needs it is left out. */
export const WITHOUT_SOFT_HSM = 'softhsm2 or python3-pykcs11 is not installed'

/** A hardware security module in software, with the reference key service before it. */
export interface SoftHsm extends AsyncDisposable {
  readonly socketPath: string
  readonly pin: string
  /** Everything that the service said so far. */
  readonly output: () => string
  /** Ends the service, and starts it anew. */
  restart(): Promise<void>
}

/** What a {@link SoftHsm} is made of. */
export interface SoftHsmOptions {
  /** Keys by the labels they get. */
  readonly keys: ReadonlyMap<string, Uint8Array>
  /** The program of the key service: `examples/pkcs11-key-service/pkcs11_key_service.py`. */
  readonly service: string
}

/** Makes a token with keys in it, and starts the service. Its files are removed at the end. */
export async function startSoftHsm({ keys, service: program }: SoftHsmOptions): Promise<SoftHsm> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-hsm-'))
  const pin = 'pin-4711-of-the-token'
  const [tokens, configuration, pinFile] = ['tokens', 'softhsm2.conf', 'pin'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await mkdir(tokens)
  await writeFile(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`)
  await writeFile(pinFile, pin)
  await chmod(pinFile, 0o600)
  const env = { ...process.env, SOFTHSM2_CONF: configuration }
  await run('softhsm2-util', ['--init-token', '--free', '--label', TOKEN, '--so-pin', 'so-pin-1', '--pin', pin], {
    env,
  })
  const common = ['--module', MODULE, '--token', TOKEN, '--pin-file', pinFile]
  for (const [label, key] of keys) {
    const importing = run(PYTHON, [program, 'import', ...common, '--label', label], { env })
    importing.child.stdin?.end(Buffer.from(key).toString('base64'))
    await importing
  }
  const socketPath = join(folder, 'keys.sock')
  let output = ''
  const start = async () => {
    const child = spawn(PYTHON, [program, 'serve', ...common, '--socket', socketPath], { env })
    const said = (chunk: Buffer) => (output += chunk)
    child.stdout.on('data', said)
    child.stderr.on('data', said)
    const first = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
    if (!Buffer.isBuffer(first[0])) throw new Error(`The key service ended: ${output}`)
    return child
  }
  let service = await start()
  const stop = async () => {
    const ended = once(service, 'exit')
    service.kill('SIGINT')
    await ended
  }
  return {
    ...{ socketPath, pin, output: () => output },
    async restart() {
      await stop()
      service = await start()
    },
    async [Symbol.asyncDispose]() {
      await stop()
      await rm(folder, { recursive: true })
    },
  }
}
