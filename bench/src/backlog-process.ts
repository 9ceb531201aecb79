import { createMessage } from '@edgewright/core'
import { LogStore } from '@edgewright/store-log'
import { acceptingCloud, offlineCloud, parts, plainHub } from './load/plain-hub.js'

/*
 * One step of the backlog bench, in a process of its own. Arguments: the step, the store's folder, the number of
 * messages. Answers with what it measured.
 */
const [step, path = '', count = '0'] = process.argv.slice(2)
const total = Number(count)
const routes = { all: 'FROM /messages/* INTO $upstream' }
const BATCH = 1_000
const BODY = 256

const steps: Readonly<Record<string, () => Promise<object>>> = { fill, drain }
process.send?.(await steps[step ?? '']?.())
process.exit(0)

/** Queues so many numbered messages. */
async function fill(): Promise<object> {
  const store = new LogStore({ path, ...parts })
  const hub = plainHub(store, offlineCloud(), routes)
  await store.start()
  await hub.start()
  const nothing = () => undefined
  const method = () => Promise.reject(new Error('none'))
  const peer = { transport: 'bench', deliver: nothing, desired: nothing, method, close: nothing }
  const { session } = await hub.openSession({ identity: { deviceId: 'leaf' }, peer, persistent: false })
  for (let number = 0; number < total; number += BATCH) {
    const bodies = Array.from({ length: BATCH }, (_, index) => String(number + index).padEnd(BODY, '.'))
    await session.send(bodies.map(body => createMessage({ body })))
  }
  await hub.stop()
  await store.stop()
  return {}
}

/** Starts on what is queued, and lets all of it go. */
async function drain(): Promise<object> {
  const began = performance.now()
  let next = 0
  let inOrder = true
  let peak = 0
  let finished: () => void
  const done = new Promise<void>(resolve => {
    finished = resolve
  })
  const store = new LogStore({ path, ...parts })
  const cloud = acceptingCloud(batch => {
    for (const { body } of batch)
      inOrder &&= Number(Buffer.from(body.buffer, body.byteOffset, 7).toString().replaceAll('.', '')) === next++
    peak = Math.max(peak, process.memoryUsage.rss())
    if (next >= total) finished()
  })
  const idle = process.memoryUsage.rss()
  await store.start()
  const hub = plainHub(store, cloud, routes)
  await hub.start()
  const ready = performance.now() - began
  await done
  const seconds = (performance.now() - began - ready) / 1000
  await hub.stop()
  await store.stop()
  return { ready, inOrder, rate: total / seconds, growth: (peak - idle) / 2 ** 20 }
}
