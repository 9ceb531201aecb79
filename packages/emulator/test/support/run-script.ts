import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * Runs a script of `test/scripts` in a process that trusts an authority from its beginning: the service SDKs cannot be
 * given one. The script prints one JSON line a result.
 *
 * @param onLine - given each line as it is printed
 * @returns what it printed
 * @throws with all its output when it ends with another code than 0
 */
export async function runScript(
  name: string,
  ca: string,
  environment: Record<string, string>,
  onLine: (line: string) => void = () => undefined,
): Promise<unknown[]> {
  const folder = await mkdtemp(join(tmpdir(), 'emulator-script-'))
  try {
    const caFile = join(folder, 'ca.pem')
    await writeFile(caFile, ca)
    const script = fileURLToPath(new URL(`../scripts/${name}.mjs`, import.meta.url))
    const child = spawn(process.execPath, ['--no-warnings', script], {
      env: { ...process.env, ...environment, NODE_EXTRA_CA_CERTS: caFile },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const output: Buffer[] = []
    const errors: Buffer[] = []
    child.stdout.on('data', chunk => output.push(chunk))
    createInterface({ input: child.stdout }).on('line', onLine)
    child.stderr.on('data', chunk => errors.push(chunk))
    const code = await new Promise(resolve => child.on('close', resolve))
    const text = Buffer.concat(output).toString()
    if (code !== 0) throw new Error(`${name} ended with ${code}\n${text}\n${Buffer.concat(errors)}`)
    return text
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line))
  } finally {
    await rm(folder, { recursive: true })
  }
}
