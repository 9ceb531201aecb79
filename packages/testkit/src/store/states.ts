import assert from 'node:assert/strict'
import { EdgewrightError, type Store } from '@edgewright/core'
import { append, rejectsWith, texts, withStore } from './fixture.js'
import type { StoreFactory, StoreTests, StoreUnderTest } from './subject.js'

/** Every method that asks for a running store. */
const PROMISING: readonly [name: string, call: (store: Store) => Promise<unknown>][] = [
  ['write', store => store.write({ append: [append('x', 'q')] })],
  ['write of nothing', store => store.write({})],
  ['read', store => store.read('q')],
  ['removeExpired', store => store.removeExpired(0)],
  ['get', store => store.get('t', 'k')],
  ['entries', store => store.entries('t')[Symbol.asyncIterator]().next()],
]
const ANSWERING: readonly [name: string, call: (store: Store) => unknown][] = [
  ['queue', store => store.queue('q')],
  ['queues', store => store.queues()],
  ['usage', store => store.usage()],
]

async function assertRefusing(store: Store): Promise<void> {
  for (const [, call] of PROMISING) await rejectsWith('NOT_RUNNING', call(store))
  for (const [name, call] of ANSWERING) {
    assert.throws(
      () => call(store),
      (error: unknown) => EdgewrightError.is(error, 'NOT_RUNNING'),
      name,
    )
  }
}

/** Each method in each state of the store's life. */
export const stateTests: StoreTests = ({ describe, it }, make) => {
  describe('lifecycle', () => {
    it(
      'refuses everything before start and after stop',
      onSubject(make, async subject => {
        const store = subject.open()
        await assertRefusing(store)
        await store.start()
        await store.stop()
        await assertRefusing(store)
      }),
    )

    it(
      'refuses everything while it starts and while it stops',
      onSubject(make, async subject => {
        const store = subject.open()
        const starting = store.start()
        const early = PROMISING.map(([, call]) => rejectsWith('NOT_RUNNING', call(store)))
        await Promise.all([starting, ...early])
        const stopping = store.stop()
        await Promise.resolve()
        const late = PROMISING.map(([, call]) => rejectsWith('NOT_RUNNING', call(store)))
        await Promise.all([stopping, ...late])
      }),
    )

    it(
      'starts and stops any number of times, also all at once',
      onSubject(make, async subject => {
        const store = subject.open()
        await store.stop()
        await Promise.all([store.start(), store.start(), store.stop(), store.start()])
        await store.write({ append: [append('x', 'q')] })
        await Promise.all([store.stop(), store.stop()])
        await store.start()
        await store[Symbol.asyncDispose]()
        await assertRefusing(store)
      }),
    )

    it(
      'fails to start where no store can be, and may be tried again',
      onSubject(make, async subject => {
        const store = subject.openNowhere?.()
        if (store === undefined) return
        await rejectsWith('STORE_FAILED', store.start())
        await rejectsWith('STORE_FAILED', store.start())
        await assertRefusing(store)
        await store.stop()
      }),
    )

    it(
      'never refuses a running store',
      withStore(make, async store => {
        for (const [, call] of PROMISING) await call(store)
        for (const [, call] of ANSWERING) call(store)
        assert.deepEqual(texts(await store.read('q')), ['x'])
      }),
    )

    it(
      'ends a walk over a table when the store stops',
      onSubject(make, async subject => {
        const store = subject.open()
        await store.start()
        await store.write({ put: ['a', 'b'].map(key => ({ table: 't', key, value: Buffer.from(key) })) })
        const walk = store.entries('t')[Symbol.asyncIterator]()
        await walk.next()
        await store.stop()
        await rejectsWith('NOT_RUNNING', walk.next())
      }),
    )
  })
}

function onSubject(make: StoreFactory, test: (subject: StoreUnderTest) => Promise<void>): () => Promise<void> {
  return async () => {
    const subject = await make()
    try {
      await test(subject)
    } finally {
      await subject.dispose()
    }
  }
}
