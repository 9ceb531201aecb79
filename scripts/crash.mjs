// npm run crash -- --rounds N [--seed S] [--store log|lmdb]: the crash test of store-and-forward.
import { parseArgs } from 'node:util'
import { main, prepare } from './prepare.mjs'

await main(async args => {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string', default: '20' }, seed: { type: 'string' }, store: { type: 'string' } },
  })
  prepare()
  const { crash } = await import('../packages/edgewright/crash/crash.mjs')
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  let failed = false
  for (const store of values.store === undefined ? ['log', 'lmdb'] : [values.store]) {
    const result = await crash({ rounds: Number(values.rounds), seed, store })
    const counts = Object.entries(result).map(([name, count]) => `${name} ${count}`)
    process.stdout.write(`${store}: ${values.rounds} rounds, seed ${seed}: ${counts.join(', ')}\n`)
    failed ||= result.lost > 0 || result.outOfOrder > 0 || result.duplicated > result.allowedDuplicates
  }
  return failed ? 1 : 0
})
