// npm run fuzz -- NAME --runs N [--seed S]: one fuzzer; ends with 1 and the smallest failing input on failure.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { main, prepare, root } from './prepare.mjs'

await main(async args => {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { runs: { type: 'string', default: '10000' }, seed: { type: 'string' } },
  })
  prepare()
  const found = new Map()
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name, 'fuzz')
    if (!existsSync(folder)) continue
    for (const file of readdirSync(folder)) {
      if (file.endsWith('.mjs')) found.set(file.slice(0, -4), join(folder, file))
    }
  }
  const file = found.get(positionals[0])
  if (file === undefined) throw new Error(`Name one fuzzer: ${[...found.keys()].join(', ')}.`)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  const { fuzz } = await import(pathToFileURL(file))
  const { runs, failure, notes } = await fuzz({ runs: Number(values.runs), seed })
  process.stdout.write(
    `${positionals[0]}: ${runs} runs, seed ${seed}: ${failure === undefined ? 'no failure' : 'FAILED'}\n`,
  )
  if (notes !== undefined) process.stdout.write(`${notes}\n`)
  if (failure === undefined) return 0
  process.stdout.write(`input: ${JSON.stringify(failure.input)}\nerror: ${failure.error?.stack ?? failure.error}\n`)
  return 1
})
