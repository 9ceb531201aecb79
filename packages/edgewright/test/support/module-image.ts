import { execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFile, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { engine } from './engine.js'

const run = promisify(execFile)

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const PROGRAM = fileURLToPath(new URL('module.cjs', import.meta.url))
const SDK = ['azure-iot-device', 'azure-iot-device-mqtt', 'azure-iot-device-amqp']

/**
 * An image of this machine's Node with the Azure SDK as it was installed, and a module that uses it: no registry is
 * needed. It is made once for each state of these.
 *
 * @returns its name
 */
export async function moduleImage(): Promise<string> {
  const folders = await closureOf(SDK)
  const state = createHash('sha256')
    .update([process.version, ...folders].join('\n'))
    .update(await readFile(PROGRAM))
  const tag = state.digest('hex').slice(0, 12)
  const repository = '127.0.0.1:1/edgewright/azure-module'
  const image = `${repository}:${tag}`
  const isHere = await engine('GET', `/images/${image}/json`).then(
    () => true,
    () => false,
  )
  if (!isHere) await importImage(repository, tag, folders)
  return image
}

/** The packages as the package manager laid them out: links, and the folders that they lead to. */
async function closureOf(names: readonly string[]): Promise<string[]> {
  const links = names.map(name => join(ROOT, 'node_modules', name))
  const found = new Set<string>()
  const waiting = [...links]
  for (let link = waiting.pop(); link !== undefined; link = waiting.pop()) {
    const target = await realpath(link)
    const siblings = target.slice(0, target.lastIndexOf('/node_modules/') + '/node_modules'.length)
    if (found.has(siblings)) continue
    found.add(siblings)
    for (const entry of await readdir(siblings, { withFileTypes: true })) {
      const path = join(siblings, entry.name)
      if (!entry.name.startsWith('@')) waiting.push(path)
      else for (const scoped of await readdir(path)) waiting.push(join(path, scoped))
    }
  }
  return [...links, ...found].map(path => relative(ROOT, path)).sort()
}

async function importImage(repository: string, tag: string, folders: readonly string[]): Promise<void> {
  const staging = await mkdtemp(join(tmpdir(), 'edgewright-image-'))
  try {
    const node = await realpath(process.execPath)
    const { stdout } = await run('ldd', [node])
    for (const path of [node, ...[...stdout.matchAll(/\/\S+/g)].map(([library]) => library)]) {
      const place = join(staging, path === node ? '/bin/node' : path)
      await mkdir(dirname(place), { recursive: true })
      await copyFile(path, place)
    }
    await copyFile(PROGRAM, join(staging, 'module.cjs'))
    await writeFile(join(staging, 'folders'), folders.join('\n'))
    const archive = ['--create', '--file', '-', '--exclude', './folders', '--directory', staging, '.']
    const tar = spawn('tar', [...archive, '--directory', ROOT, '--files-from', join(staging, 'folders')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await engine('POST', `/images/create?fromSrc=-&repo=${repository}&tag=${tag}`, tar.stdout)
  } finally {
    await rm(staging, { recursive: true })
  }
}
