// npm start [-- FLAGS]: installs, builds and runs the reference gateway in this very process.
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { prepare, root } from './prepare.mjs'

try {
  prepare()
  const { main } = await import(pathToFileURL(join(root, 'examples/reference-gateway/dist/main.js')))
  await main(process.argv.slice(2))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
  process.exitCode = 1
}
