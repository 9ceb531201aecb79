import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { storeConformance, type StoreUnderTest } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { LmdbStore } from './lmdb-store.js'

describe('LmdbStore', () => {
  storeConformance({ describe, it }, async () => subject(await temporary()))
})

function temporary(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'store-lmdb-'))
}

function subject(path: string): StoreUnderTest {
  return {
    open: settings => new LmdbStore({ path: join(path, 'store'), ...settings }),
    openNowhere: () => new LmdbStore({ path: join(fileURLToPath(import.meta.url), 'store') }),
    keepsData: true,
    isExclusive: true,
    async crash() {
      const copy = await temporary()
      await cp(join(path, 'store', 'data.mdb'), join(copy, 'store', 'data.mdb'))
      return subject(copy)
    },
    dispose: () => rm(path, { recursive: true }),
  }
}
