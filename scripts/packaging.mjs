// Treats every public package as a stranger would: packs all, installs the tarballs into an empty project, type-checks
// and imports every entry there, and lints the tarballs. Nothing is done again while nothing has changed.
// Run by `npm run check`; `node scripts/packaging.mjs` runs it alone.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { main, npmCommand, root } from './prepare.mjs'

const STAMP = join(root, 'node_modules', '.cache', 'edgewright', 'packaging')
const TYPESCRIPT = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Resolutions that ESM-only packages do not promise: the rest is what Node, TypeScript and bundlers do today. */
const NOT_PROMISED = ['node10', 'node16-cjs']

export async function run() {
  const key = contentKey()
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === key) return { ok: true, report: 'nothing has changed' }
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-packaging-'))
  try {
    const complaints = await check(folder)
    if (complaints.length > 0) return { ok: false, report: complaints.join('\n') }
    mkdirSync(join(STAMP, '..'), { recursive: true })
    writeFileSync(STAMP, key)
    return { ok: true, report: 'every package packs, installs, type-checks and loads' }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function check(folder) {
  const packed = await pnpm(['-r', '--filter', './packages/*', 'pack', '--pack-destination', folder])
  if (packed.status !== 0) return [`pnpm pack: ${packed.output}`]
  const tarballs = readdirSync(folder).map(name => join(folder, name))
  const results = await Promise.all([checkProject(folder, tarballs), ...tarballs.map(lint), checkTypes(tarballs)])
  return results.flat()
}

async function checkProject(folder, tarballs) {
  const project = join(folder, 'project')
  mkdirSync(project)
  writeJson(join(project, 'package.json'), { private: true, type: 'module' })
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  const installed = await npmIn(project, ['install', ...quiet, ...tarballs])
  if (installed.status !== 0) return [`npm install: ${installed.output}`]
  const entries = publicManifests().flatMap(entriesOf)
  const names = entries.map((_, index) => `entry${index}`)
  const imports = entries.map((entry, index) => `import * as ${names[index]} from '${entry}'\n`)
  writeFileSync(join(project, 'entries.ts'), `${imports.join('')}export const entries = [${names.join(', ')}]\n`)
  const load = `await Promise.all(${JSON.stringify(entries)}.map(entry => import(entry)))`
  const steps = await Promise.all([
    compile(project, 'NodeNext', 'NodeNext'),
    compile(project, 'ESNext', 'Bundler'),
    execute(process.execPath, ['--input-type=module', '--eval', load], project),
  ])
  const titles = ['types as Node resolves them', 'types as bundlers resolve them', 'import at run time']
  return steps.flatMap(({ status, output }, index) => (status === 0 ? [] : [`${titles[index]}: ${output}`]))
}

function compile(project, module, moduleResolution) {
  const file = join(project, `tsconfig.${moduleResolution}.json`)
  const typeRoots = [join(root, 'node_modules', '@types')]
  const strictness = { strict: true, noEmit: true, skipLibCheck: true, target: 'ES2022', types: ['node'], typeRoots }
  writeJson(file, { compilerOptions: { ...strictness, module, moduleResolution }, files: ['entries.ts'] })
  return execute(process.execPath, [TYPESCRIPT, '-p', file], project)
}

async function lint(tarball) {
  const { buffer } = Uint8Array.from(await readFile(tarball))
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true, level: 'warning' })
  return messages.map(message => `publint: ${pkg.name}: ${formatMessage(message, pkg, { color: false })}`)
}

async function checkTypes(tarballs) {
  const complaints = []
  for (const tarball of tarballs) {
    const { problems, packageName } = await checkPackage(createPackageFromTarballData(await readFile(tarball)))
    const promised = problems.filter(({ resolutionKind }) => !NOT_PROMISED.includes(resolutionKind))
    complaints.push(...promised.map(problem => `types of ${packageName}: ${JSON.stringify(problem)}`))
  }
  return complaints
}

function publicManifests() {
  return readdirSync(join(root, 'packages'))
    .map(name => JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')))
    .filter(manifest => manifest.private !== true)
}

function entriesOf({ name, exports }) {
  return Object.keys(exports)
    .filter(entry => entry !== './package.json')
    .map(entry => name + entry.slice(1))
}

/** Changes with anything that goes into a tarball, and with this check. */
function contentKey() {
  const hash = createHash('sha256').update(process.version)
  const files = [fileURLToPath(import.meta.url), join(root, 'pnpm-lock.yaml')]
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name)
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isFile()) files.push(join(folder, entry.name))
    }
    for (const built of ['dist', 'src']) {
      for (const entry of readdirSync(join(folder, built), { withFileTypes: true, recursive: true })) {
        if (entry.isFile() && !entry.name.endsWith('.tsbuildinfo')) files.push(join(entry.parentPath, entry.name))
      }
    }
  }
  for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(file))
  return hash.digest('hex')
}

function pnpm(args) {
  return npmIn(root, ['exec', '--yes', `--package=${packageManager}`, '--', 'pnpm', '--loglevel=error', ...args])
}

function npmIn(folder, args) {
  const [file, first] = npmCommand()
  return execute(file, [...first, ...args], folder)
}

function execute(file, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        output += text
      })
    }
    child.once('error', reject)
    child.once('close', status => resolve({ status, output }))
  })
}

function writeJson(path, value) {
  writeFileSync(path, JSON.stringify(value))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { ok, report } = await run()
    process.stdout.write(`${report}\n`)
    return ok ? 0 : 1
  })
}
