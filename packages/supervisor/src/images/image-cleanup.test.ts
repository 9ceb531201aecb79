import { MemoryStore } from '@edgewright/store-memory'
import { virtualClock } from '@edgewright/testkit'
import { expect, it } from 'vitest'
import { ImageCleanup } from './image-cleanup.js'

const DAY = 86_400_000

it('cleans up every day, goes on after a failure, and remembers over a restart', async () => {
  const clock = virtualClock()
  const store = new MemoryStore()
  await store.start()
  const removed: string[] = []
  let isBroken = false
  const shelf = {
    images: async () => {
      if (isBroken) throw new Error('no engine')
      return ['app', 'foreign'].map(id => ({ id, bytes: 1, isUsed: false }))
    },
    imagesOfModules: () => [],
    imageOf: async (reference: string) => reference,
    removeImage: async (id: string) => void removed.push(id),
  }
  let wanted = ['app']
  const start = async () => {
    const cleanup = new ImageCleanup({ shelf, store, wanted: () => wanted, clock })
    await cleanup.start()
    return cleanup
  }
  const first = await start()
  await clock.advance(DAY)
  await first.stop()
  expect(clock.pending).toEqual([])

  wanted = []
  const second = await start()
  isBroken = true
  await clock.advance(3 * DAY)
  isBroken = false
  await clock.advance(4 * DAY)
  expect(removed).toEqual([])
  await clock.advance(DAY)
  expect(removed).toEqual(['app'])
  await second.stop()
})
