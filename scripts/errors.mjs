// Compares the error codes in the sources with docs/reference/errors.md, both ways. Run by `npm run check`;
// `node scripts/errors.mjs` runs it alone.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { main, root } from './prepare.mjs'

const PAGE = join(root, 'docs', 'reference', 'errors.md')

/** Words of that form which are the codes or names of others: Node, OpenSSL, LMDB, the environment of modules. */
const NOT_OURS = /^(ERR|CERT|MDB|IOTEDGE|EDGEWRIGHT|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO)_/

export async function run() {
  const used = codesInSources()
  const { documented, complaints } = readPage()
  for (const [code, file] of used) {
    if (!documented.has(code)) complaints.push(`docs/reference/errors.md has no row for ${code} (${file})`)
  }
  for (const code of documented) {
    if (!used.has(code)) complaints.push(`docs/reference/errors.md has a row for ${code}, which no source uses`)
  }
  const ok = complaints.length === 0
  return { ok, report: ok ? `${used.size} error codes are documented` : complaints.join('\n') }
}

/** Code → one file that uses it. A code is a quoted word in capitals with an underscore, outside of comments. */
function codesInSources() {
  const used = new Map()
  for (const file of sources()) {
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
    for (const [, word] of code.matchAll(/'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)) {
      if (!NOT_OURS.test(word)) used.set(word, relative(root, file))
    }
  }
  return used
}

function readPage() {
  const documented = new Set()
  const complaints = []
  for (const line of readFileSync(PAGE, 'utf8').split('\n')) {
    const code = /^\| `([A-Z0-9_]+)` \|/.exec(line)?.[1]
    if (code === undefined) continue
    const cells = line.split('|').slice(1, -1)
    if (cells.length !== 4 || cells.some(cell => cell.trim() === '')) complaints.push(`the row of ${code} is not whole`)
    if (documented.has(code)) complaints.push(`${code} stands twice`)
    documented.add(code)
  }
  return { documented, complaints }
}

function sources() {
  return readdirSync(join(root, 'packages')).flatMap(name =>
    readdirSync(join(root, 'packages', name, 'src'), { withFileTypes: true, recursive: true })
      .filter(entry => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
      .map(entry => join(entry.parentPath, entry.name)),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const { ok, report } = await run()
    process.stdout.write(`${report}\n`)
    return ok ? 0 : 1
  })
}
