// npm run test:lts: runs all tests once more, on a current LTS of Node from the npm registry.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { main, npm, root } from './prepare.mjs'

const LTS = '24.21.0'

await main(args => {
  const platform = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${platform}-${process.arch}`
  const folder = join(root, '.cache', `node-${LTS}`)
  const binary = join(folder, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!existsSync(binary)) {
    const status = npm([
      'install',
      '--prefix',
      folder,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `${name}@${LTS}`,
    ])
    if (status !== 0) throw new Error(`Node ${LTS} is not to be had for ${name} from the npm registry.`)
  }
  process.stdout.write(`\nOnce more, on Node ${LTS}\n`)
  return spawnSync(binary, [join(root, 'scripts/test.mjs'), ...args], { cwd: root, stdio: 'inherit' }).status ?? 1
})
