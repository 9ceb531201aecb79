import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type StoreUnderTest, storeConformance } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { LogStore } from './log-store.js'

describe('LogStore', () => {
  storeConformance({ describe, it }, async () => subject(await temporary()))
})

function temporary(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'store-log-'))
}

function subject(directory: string): StoreUnderTest {
  const path = join(directory, 'store')
  return {
    open: settings => new LogStore({ path, ...settings }),
    keepsData: true,
    isExclusive: true,
    async crash() {
      const copy = await temporary()
      await cp(path, join(copy, 'store'), { recursive: true, filter: file => !basename(file).startsWith('lock-') })
      return subject(copy)
    },
    dispose: () => rm(directory, { recursive: true }),
  }
}
