// Installs and builds what is missing, and nothing else: a warm start costs some milliseconds.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const stamps = join(root, 'node_modules', '.cache', 'edgewright')

/** Brings the work tree to where its programs can run. Whatever the tools say goes to standard error. */
export function prepare() {
  demandNode()
  whenChanged('installed', installKey(), install)
  whenChanged('built', buildKey(), build)
}

/** Installs the dependencies only. */
export function prepareInstall() {
  demandNode()
  whenChanged('installed', installKey(), install)
}

/** Runs a tool of the workspace; throws when it fails. */
export function runTool(file, args, options = {}) {
  const result = spawnSync(process.execPath, [join(root, 'node_modules', file), ...args], {
    cwd: root,
    stdio: ['inherit', 'inherit', 'inherit'],
    ...options,
  })
  if (result.error) throw result.error
  return result.status ?? 1
}

/** Runs a script of this folder to its end and ends this process as it did. */
export async function main(run) {
  try {
    process.exitCode = await run(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}

function demandNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new Error(`Edgewright needs Node ${manifest.engines.node}; this is ${process.versions.node}.`)
}

function install() {
  process.stderr.write('Installing dependencies …\n')
  const pnpm = manifest.packageManager
  const args = ['exec', '--yes', `--package=${pnpm}`, '--', 'pnpm', 'install', '--frozen-lockfile', '--prefer-offline']
  const status = npm([...args, '--loglevel=warn', '--reporter=append-only'])
  if (status !== 0) throw new Error(`Dependencies could not be installed (${pnpm} ended with ${status}).`)
}

function build() {
  process.stderr.write('Building …\n')
  const status = runTool('typescript/bin/tsc', ['-b'], { stdio: ['ignore', process.stderr, process.stderr] })
  if (status !== 0) throw new Error('The build failed.')
}

/** Runs npm to its end. */
export function npm(args, options = {}) {
  const [file, first] = npmCommand()
  const result = spawnSync(file, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', process.stderr, process.stderr],
    ...options,
  })
  if (result.error) throw result.error
  return result.status ?? 1
}

/** The program and first arguments that are npm: the one that runs us where possible, and without a shell. */
export function npmCommand() {
  const candidates = [
    process.env.npm_execpath,
    join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ]
  const script = candidates.find(path => path?.endsWith('.js') && existsSync(path))
  return script === undefined ? ['npm', []] : [process.execPath, [script]]
}

function whenChanged(name, key, step) {
  const file = join(stamps, name)
  if (existsSync(file) && readFileSync(file, 'utf8') === key) return
  step()
  mkdirSync(stamps, { recursive: true })
  writeFileSync(file, key)
}

function installKey() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'])
    hash.update(readFileSync(join(root, file)))
  for (const folder of workspaceFolders()) hash.update(readFileSync(join(folder, 'package.json')))
  return hash.digest('hex')
}

/** Changes with each source file that goes into the build; a missing output counts too. */
function buildKey() {
  const hash = createHash('sha256').update(process.versions.modules)
  for (const file of ['tsconfig.json', 'tsconfig.base.json', 'pnpm-lock.yaml'])
    hash.update(readFileSync(join(root, file)))
  for (const folder of workspaceFolders()) {
    hash.update(existsSync(join(folder, 'dist')) ? 'built' : String(Math.random()))
    for (const path of filesBelow(join(folder, 'src'))) {
      const { mtimeMs, size } = statSync(path)
      hash.update(`${path} ${mtimeMs} ${size}\n`)
    }
  }
  return hash.digest('hex')
}

/** Every package of the workspace that is built, as a path. */
export function workspaceFolders() {
  const below = name => readdirSync(join(root, name)).map(entry => join(root, name, entry))
  return [...below('packages'), ...below('examples'), join(root, 'bench')].filter(path => existsSync(join(path, 'src')))
}

function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}
