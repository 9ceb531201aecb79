import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type StoreUnderTest, storeConformance } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { damageFiles } from '../test/damage-files.js'
import { SimulatedDisk } from '../test/simulated-disk.js'
import { LogStore } from './log-store.js'

describe('LogStore', () => {
  storeConformance({ describe, it }, async () => subject(await temporary()))
})

describe('LogStore with small segments and nothing in the cache', () => {
  storeConformance({ describe, it }, () => simulated(new SimulatedDisk()))
})

function simulated(disk: SimulatedDisk): StoreUnderTest {
  const options = { path: '/store', fileSystem: disk, segmentBytes: 65_536, cacheBytes: 0, reserveBytes: 4_096 }
  return {
    open: settings => new LogStore({ ...options, ...settings }),
    keepsData: true,
    isExclusive: true,
    crash: async () => simulated(disk.afterKill()),
    dispose: async () => undefined,
  }
}

function temporary(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'store-log-'))
}

function subject(directory: string): StoreUnderTest {
  const path = join(directory, 'store')
  return {
    open: settings => new LogStore({ path, ...settings }),
    openNowhere: () => new LogStore({ path: join(fileURLToPath(import.meta.url), 'store') }),
    keepsData: true,
    isExclusive: true,
    async crash() {
      const copy = await temporary()
      await cp(path, join(copy, 'store'), { recursive: true, filter: file => !basename(file).startsWith('lock-') })
      return subject(copy)
    },
    damage: random => damageFiles(path, random),
    dispose: () => rm(directory, { recursive: true }),
  }
}
