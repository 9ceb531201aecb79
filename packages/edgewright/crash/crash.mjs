// The crash test of store-and-forward: a hub under load is killed at random moments and started again; whatever it
// acknowledged must reach the cloud, in order per sender.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Device } from './device.mjs'

const DEVICES = 4
const LONGEST_LIFE = 400
const DRAIN_DEADLINE = 60_000
/** What one lane may deliver again after a kill: the batch on its way, and the one whose removal was not durable yet. */
const IN_FLIGHT_WINDOW = 512

/**
 * @param {{ rounds: number, seed: number, store: 'log' | 'lmdb' }} options
 * @returns what was acknowledged, delivered, lost, duplicated and out of order, in messages; `allowedDuplicates` is the
 *   number that the kills explain
 */
export async function crash({ rounds, seed, store }) {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-crash-'))
  const random = generator(seed)
  const cloud = new Cloud()
  const devices = Array.from({ length: DEVICES }, (_, index) => new Device(`device-${index}`))
  try {
    for (let round = 0; round < rounds; round++) {
      const hub = await startHub(store, folder, cloud)
      await Promise.all(devices.map(device => device.connect(hub.port)))
      await new Promise(resolve => setTimeout(resolve, random() * LONGEST_LIFE))
      await hub.kill()
    }
    for (const device of devices) device.disconnect()
    const last = await startHub(store, folder, cloud)
    await cloud.has(devices)
    await last.kill()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  return { ...verdict(devices, cloud), allowedDuplicates: rounds * DEVICES * IN_FLIGHT_WINDOW }
}

/** What arrived, per sender in the order in which it did. */
class Cloud {
  arrived = new Map()
  #check = () => undefined

  take(sender, numbers) {
    let list = this.arrived.get(sender)
    if (list === undefined) this.arrived.set(sender, (list = []))
    list.push(...numbers)
    this.#check()
  }

  /** Resolves when everything acknowledged has arrived, or nothing has for too long. */
  has(devices) {
    return new Promise(resolve => {
      const missing = new Map(
        devices.map(({ id, acknowledged }) => [id, difference(acknowledged, this.arrived.get(id) ?? [])]),
      )
      const done = () => [...missing.values()].every(({ size }) => size === 0)
      const timer = setTimeout(resolve, DRAIN_DEADLINE)
      this.#check = () => {
        for (const [id, left] of missing)
          for (const number of this.arrived.get(id)?.slice(-2_000) ?? []) left.delete(number)
        if (!done()) return
        clearTimeout(timer)
        resolve()
      }
      this.#check()
    })
  }
}

async function startHub(store, folder, cloud) {
  const child = fork(new URL('./hub-process.mjs', import.meta.url), [store, folder], { stdio: 'inherit', execArgv: [] })
  const exit = once(child, 'exit')
  const port = await new Promise((resolve, reject) => {
    child.on('message', message => {
      if (message.kind === 'ready') return resolve(message.port)
      cloud.take(message.sender, message.numbers)
      if (child.connected) child.send({ id: message.id }, () => undefined)
    })
    child.once('exit', code => reject(new Error(`The hub ended with ${code} before it was ready`)))
  })
  return {
    port,
    async kill() {
      child.kill('SIGKILL')
      await exit
    },
  }
}

function verdict(devices, cloud) {
  const sum = { acknowledged: 0, delivered: 0, lost: 0, duplicated: 0, outOfOrder: 0 }
  for (const { id, acknowledged } of devices) {
    const arrived = cloud.arrived.get(id) ?? []
    const distinct = new Set(arrived)
    sum.acknowledged += acknowledged.size
    sum.delivered += distinct.size
    sum.duplicated += arrived.length - distinct.size
    sum.lost += difference(acknowledged, arrived).size
    let highest = -1
    const seen = new Set()
    for (const number of arrived) {
      if (!seen.has(number) && number < highest) sum.outOfOrder++
      seen.add(number)
      highest = Math.max(highest, number)
    }
  }
  return sum
}

function difference(set, list) {
  const left = new Set(set)
  for (const item of list) left.delete(item)
  return left
}

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
