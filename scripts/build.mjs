// npm run build: installs and builds what changed.
import { main, prepare } from './prepare.mjs'

await main(() => {
  prepare()
  return 0
})
