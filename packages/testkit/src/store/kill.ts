import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import type { Store, StoreChange } from '@edgewright/core'
import { drain, running, seededRandom, text } from './fixture.js'

/** Entries of the queues `kept` and `outbox` before their heads are removed. */
const KEPT = 500

/** Changes given before the first of them is awaited, at most. */
const IN_FLIGHT = 40

/**
 * For the program that is killed: writes numbered changes until the end of the process, and prints the number of each
 * as soon as it is answered. Each change appends its number to `inbox` and `kept`, puts it into a row, and moves the
 * head of `inbox` to `outbox` now and then.
 */
export async function writeUntilKilled(store: Store): Promise<never> {
  await store.start()
  const random = seededRandom(process.pid)
  for (let number = store.queue('kept').next; ; ) {
    const burst = Array.from({ length: Math.ceil(random() * IN_FLIGHT) }, async () => {
      const own = number++
      await store.write(await numberedChange(store, own))
      process.stdout.write(`${own}\n`)
    })
    await Promise.all(burst)
    await moveHead(store)
  }
}

async function numberedChange(store: Store, number: number): Promise<StoreChange> {
  const payload = Buffer.from(`${number} `.repeat(1 + ((number * 7) % 60)))
  const { head, length } = store.queue('kept')
  return {
    append: [{ payload, queues: [{ queue: 'inbox' }, { queue: 'kept' }] }],
    remove: length > KEPT ? [{ queue: 'kept', through: head + KEPT / 2 }] : [],
    put: [{ table: 'state', key: 'last', value: Buffer.from(`${number}`) }],
  }
}

async function moveHead(store: Store): Promise<void> {
  const entries = await store.read('inbox', { limit: 30 })
  if (entries.length < 30) return
  const append = entries.map(({ payload }) => ({ payload, queues: [{ queue: 'outbox' }] }))
  const { head, length } = store.queue('outbox')
  const remove = [{ queue: 'inbox', through: entries.at(-1)!.position }]
  if (length > KEPT) remove.push({ queue: 'outbox', through: head + KEPT / 2 })
  await store.write({ remove, append })
}

/** How the rounds are run. */
export interface KillOptions {
  readonly rounds: number
  readonly seed?: number | undefined
  /** A module for Node that calls {@link writeUntilKilled} with a store on the data. */
  readonly program: string
  readonly args: readonly string[]
  /** The same data, for looking at them between the rounds. */
  open(): Store
  /** The longest a program may write before it is killed, in milliseconds. @default 150 */
  readonly longest?: number | undefined
}

/** What the rounds have shown; they throw when anything was lost. */
export interface KillReport {
  readonly rounds: number
  /** Changes whose answer was seen before a kill. */
  readonly answered: number
  /** Changes that were there although nobody saw an answer. */
  readonly unanswered: number
}

/** Starts a program that writes, kills it with SIGKILL at some moment, looks at what is there; again and again. */
export async function killRounds(options: KillOptions): Promise<KillReport> {
  const random = seededRandom(options.seed ?? 1)
  let answered = -1
  let unanswered = 0
  for (let round = 0; round < options.rounds; round++) {
    const last = await runUntilKilled(options, random)
    answered = Math.max(answered, last)
    const found = await running(options.open(), assertWhole)
    assert.ok(found >= answered, `round ${round}: ${answered} was answered, ${found} is the last one there`)
    unanswered += found - answered
    answered = found
  }
  return { rounds: options.rounds, answered: answered + 1 - unanswered, unanswered }
}

/** @returns the last number that was answered; -1 when none was */
async function runUntilKilled({ program, args, longest = 150 }: KillOptions, random: () => number): Promise<number> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let last = -1
  const lines = createInterface(child.stdout)
  const begun = new Promise<void>(resolve => {
    lines.on('line', line => {
      last = Math.max(last, Number(line))
      resolve()
    })
  })
  const closed = closing(child)
  await Promise.race([begun, closed])
  await setTimeout(random() * longest)
  assert.equal(child.exitCode, null, 'the program ended by itself')
  child.kill('SIGKILL')
  await closed
  return last
}

function closing(child: ChildProcess): Promise<void> {
  return new Promise(resolve => child.once('close', () => resolve()))
}

/** Every change is there whole or not at all, in order, without a gap. @returns the last number */
async function assertWhole(store: Store): Promise<number> {
  const numbers = async (queue: string): Promise<number[]> =>
    (await drain(store, queue)).map(({ payload }) => {
      const number = Number.parseInt(text(payload), 10)
      assert.equal(text(payload), `${number} `.repeat(1 + ((number * 7) % 60)))
      return number
    })
  const [inbox, outbox, kept] = [await numbers('inbox'), await numbers('outbox'), await numbers('kept')]
  const last = kept.at(-1) ?? -1
  const [first = 0] = [...outbox, ...inbox]
  assert.deepEqual([...outbox, ...inbox], range(first, last), 'each number is in the inbox or in the outbox')
  assert.deepEqual(kept, range(kept[0] ?? 0, last), 'the numbers kept have no gap')
  const row = await store.get('state', 'last')
  assert.equal(row === undefined ? -1 : Number(text(row)), last, 'the row tells the last number')
  return last
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last + 1 - first }, (_, index) => first + index)
}
