// npm run format: rewrites files as the formatter wants them.
import { main, prepareInstall, runTool } from './prepare.mjs'

await main(() => {
  prepareInstall()
  return runTool('@biomejs/biome/bin/biome', ['check', '--write'])
})
