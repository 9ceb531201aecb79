// Holds the import directions of the workspace: what package.json declares, what tsconfig.json references, and what
// the sources really import. Run by `npm run check`; `node scripts/directions.mjs` runs it alone.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, root, workspaceFolders } from './prepare.mjs'

/** Who may import whom. Arrows point to core: nothing here may be added to make a short cut. */
const DIRECTIONS = {
  '@edgewright/core': [],
  '@edgewright/router': ['core'],
  '@edgewright/protocol': ['core'],
  '@edgewright/hub': ['core', 'router'],
  '@edgewright/broker': ['core', 'protocol'],
  '@edgewright/upstream': ['core', 'protocol'],
  '@edgewright/store-log': ['core'],
  '@edgewright/store-lmdb': ['core'],
  '@edgewright/store-memory': ['core'],
  '@edgewright/supervisor': ['core'],
  '@edgewright/security': ['core', 'protocol'],
  '@edgewright/emulator': ['core', 'protocol'],
  '@edgewright/testkit': ['core'],
  edgewright: [
    ...['core', 'router', 'protocol', 'hub', 'broker', 'upstream', 'store-log', 'store-lmdb', 'store-memory'],
    ...['supervisor', 'security'],
  ],
}

/** Examples are what an integrator writes: they use the front door, and the emulator as their cloud. */
const EXAMPLES = ['edgewright', 'emulator']

/** Packages that neither open files nor sockets nor processes. */
const PURE = ['@edgewright/core', '@edgewright/router', '@edgewright/protocol']
const INPUT_OUTPUT = /^node:(fs|net|tls|http|https|http2|dgram|dns|child_process|cluster|worker_threads)(\/|$)/

/** Products for testing with: any package's tests may use them when its devDependencies, or the workspace's, say so. */
const FOR_TESTS = ['@edgewright/testkit', '@edgewright/emulator', '@edgewright/store-memory']

export async function run() {
  const shared = Object.keys(readJson(join(root, 'package.json')).devDependencies)
  const folders = workspaceFolders()
  const complaints = folders.flatMap(folder => checkPackage(folder, shared))
  const report = complaints.length === 0 ? `${folders.length} packages keep the directions` : complaints.join('\n')
  return { ok: complaints.length === 0, report }
}

function checkPackage(folder, shared) {
  const manifest = readJson(join(folder, 'package.json'))
  const allowed = allowedFor(manifest.name, folder)
  if (allowed === undefined) return [`${manifest.name}: has no row in the table of directions`]
  const place = relative(root, folder)
  const declared = Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  })
  const forTests = [...declared, ...Object.keys(manifest.devDependencies ?? {}), ...shared]
  const ours = declared.filter(isOurs)
  return [
    ...outside(ours, allowed).map(name => `${place}/package.json: ${manifest.name} may not depend on ${name}`),
    ...outside(Object.keys(manifest.devDependencies ?? {}).filter(isOurs), [...allowed, ...FOR_TESTS]).map(
      name => `${place}/package.json: the tests of ${manifest.name} may not depend on ${name}`,
    ),
    ...checkReferences(folder, place, ours),
    ...sources(folder).flatMap(file => {
      const isTest = !file.startsWith(join(folder, 'src') + sep) || file.endsWith('.test.ts')
      return checkSource(file, { manifest, folder, declared: isTest ? forTests : declared, isTest })
    }),
  ]
}

function allowedFor(name, folder) {
  if (folder.startsWith(join(root, 'examples') + sep)) return EXAMPLES.map(fullName)
  if (folder === join(root, 'bench')) return [...Object.keys(DIRECTIONS)]
  return DIRECTIONS[name]?.map(fullName)
}

/** A package's references must be its dependencies, or `tsc -b` builds against something old or unseen. */
function checkReferences(folder, place, dependencies) {
  const { references = [] } = readJson(join(folder, 'tsconfig.json'))
  const referenced = references.map(({ path }) => readJson(join(folder, path, 'package.json')).name)
  return [
    ...outside(referenced, dependencies).map(name => `${place}/tsconfig.json: references ${name}, not a dependency`),
    ...outside(dependencies, referenced).map(name => `${place}/tsconfig.json: does not reference ${name}`),
  ]
}

function checkSource(file, { manifest, folder, declared, isTest }) {
  return importsOf(readFileSync(file, 'utf8')).flatMap(specifier => {
    const complain = text => [`${relative(root, file)}: imports ${specifier}, ${text}`]
    if (specifier.startsWith('.')) {
      const target = resolve(file, '..', specifier)
      return target.startsWith(folder + sep) ? [] : complain('which lies outside its package')
    }
    if (isBuiltin(specifier)) {
      if (!specifier.startsWith('node:')) return complain('which is to be written with node:')
      const impure = !isTest && PURE.includes(manifest.name) && INPUT_OUTPUT.test(specifier)
      return impure ? complain(`but ${manifest.name} does no input or output`) : []
    }
    const name = packageName(specifier)
    if (name === manifest.name) return isTest ? [] : complain('which is itself')
    return declared.includes(name) ? [] : complain('which its package.json does not declare')
  })
}

/** What a module names in its import and export statements, import() and import types. */
function importsOf(text) {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
  const statements = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm
  const bare = /^\s*import\s*['"]([^'"]+)['"]/gm
  const calls = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  return [statements, bare, calls].flatMap(pattern => Array.from(code.matchAll(pattern), match => match[1]))
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory() && entry.name !== 'dist' && entry.name !== 'node_modules')
    .flatMap(({ name }) => readdirSync(join(folder, name), { withFileTypes: true, recursive: true }))
    .filter(entry => entry.isFile() && /\.(ts|mts|mjs|js)$/.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
}

function outside(names, allowed) {
  return names.filter(name => !allowed.includes(name))
}

function fullName(name) {
  return name === 'edgewright' ? name : `@edgewright/${name}`
}

function isOurs(name) {
  return name === 'edgewright' || name.startsWith('@edgewright/')
}

function packageName(specifier) {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { ok, report } = await run()
    process.stdout.write(`${report}\n`)
    return ok ? 0 : 1
  })
}
