import { execFile } from 'node:child_process'
import { readFile, realpath } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { type TarEntry, tarOf } from './tar.js'

const run = promisify(execFile)

/** A registry that never answers, on loopback: nothing here may ask for an image elsewhere. */
export const NOWHERE = '127.0.0.1:1'

/** An image with a shell and `sleep`, made from this machine's own: no registry is needed. */
export const TEST_IMAGE = `${NOWHERE}/edgewright/shell:1`

/** Why tests with an engine are left out; undefined when there is one. The image is made on the way. */
export async function engineMissing(): Promise<string | undefined> {
  const engine = new Docker()
  try {
    await engine.ping()
  } catch {
    return 'no Docker Engine answers'
  }
  const isHere = await engine
    .getImage(TEST_IMAGE)
    .inspect()
    .then(
      () => true,
      () => false,
    )
  if (isHere) return undefined
  await importImage(TEST_IMAGE.slice(0, -2))
  return undefined
}

/** Makes an image of the shell under the tag `1`, with more files beside it. */
export async function importImage(repo: string, ...more: readonly TarEntry[]): Promise<void> {
  await importImageInto(new Docker(), repo, ...more)
}

/** The same, on an engine that is not this machine's usual one. */
export async function importImageInto(engine: Docker, repo: string, ...more: readonly TarEntry[]): Promise<void> {
  const archive = tarOf([...(await shellFiles()), ...more])
  const stream = await engine.importImage(Readable.from([archive]), { repo, tag: '1' })
  await new Promise((resolve, reject) =>
    engine.modem.followProgress(stream, error => (error === null ? resolve(undefined) : reject(error))),
  )
}

async function shellFiles(): Promise<TarEntry[]> {
  const files = new Map([
    ['/bin/sh', '/bin/sh'],
    ['/bin/sleep', '/bin/sleep'],
  ])
  for (const program of [...files.keys()]) {
    const { stdout } = await run('ldd', [program])
    for (const [library] of stdout.matchAll(/\/\S+/g)) files.set(library, library)
  }
  const entries: TarEntry[] = []
  for (const [path, source] of files) {
    entries.push({ path: path.slice(1), mode: 0o755, content: await readFile(await realpath(source)) })
  }
  return entries
}
