// npm run bench -- NAME [--json]: one bench, as a table or as one line of JSON.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { main, prepare, root } from './prepare.mjs'

await main(async args => {
  const json = args.includes('--json')
  const name = args.find(argument => !argument.startsWith('--'))
  prepare()
  const folder = join(root, 'bench', 'dist')
  const file = join(folder, `${name}.js`)
  const names = readdirSync(folder).filter(
    entry => entry.endsWith('.js') && entry !== 'bench.js' && !/-(server|process)\.js$/.test(entry),
  )
  if (name === undefined || name === 'bench' || !existsSync(file)) {
    throw new Error(`Name one bench: ${names.map(entry => entry.slice(0, -3)).join(', ')}.`)
  }
  const rows = await (await import(pathToFileURL(file))).run()
  const text = json ? `${JSON.stringify({ bench: name, rows })}\n` : table(rows)
  await new Promise(resolve => process.stdout.write(text, resolve))
  // Timers that a peer's library leaves behind do not keep a finished bench alive.
  process.exit(0)
})

function table(rows) {
  const lines = [
    ['case', 'ours', '', 'peer', '', 'ratio'],
    ...rows.map(row => [row.case, number(row.ours), row.unit, row.peer, number(row.peerValue), row.ratio.toFixed(2)]),
  ]
  const widths = lines[0].map((_, column) => Math.max(...lines.map(line => line[column].length)))
  const align = (text, column) =>
    column === 1 || column >= 4 ? text.padStart(widths[column]) : text.padEnd(widths[column])
  return lines.map(line => `${line.map(align).join('  ').trimEnd()}\n`).join('')
}

function number(value) {
  return value.toLocaleString('en-US', { maximumSignificantDigits: 4 })
}
