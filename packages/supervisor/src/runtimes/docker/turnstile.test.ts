import { describe, expect, it } from 'vitest'
import { Turnstile } from './turnstile.js'

describe('Turnstile', () => {
  it('lets so many through at a time, in order', async () => {
    const turnstile = new Turnstile(2)
    const leave: (() => void)[] = []
    const entered: number[] = []
    const passes = [0, 1, 2, 3].map(number =>
      turnstile.through(() => {
        entered.push(number)
        return new Promise<void>(resolve => leave.push(resolve))
      }),
    )
    await Promise.resolve()
    expect(entered).toEqual([0, 1])
    leave[1]!()
    await passes[1]
    await expect.poll(() => entered).toEqual([0, 1, 2])
    leave[0]!()
    leave[2]!()
    await Promise.all([passes[0], passes[2]])
    await expect.poll(() => entered).toEqual([0, 1, 2, 3])
    leave[3]!()
    await passes[3]
  })

  it('lets the next in when one fails, and forgets one that gives up', async () => {
    const turnstile = new Turnstile(1)
    let fail = () => {}
    const first = turnstile.through(() => new Promise<void>((_, reject) => (fail = () => reject(new Error('first')))))
    const impatient = new AbortController()
    const second = turnstile.through(async () => 'second', impatient.signal)
    const third = turnstile.through(async () => 'third')
    impatient.abort(new Error('gave up'))
    await expect(second).rejects.toThrow('gave up')
    fail()
    await expect(first).rejects.toThrow('first')
    expect(await third).toBe('third')
    await expect(turnstile.through(async () => 'late', impatient.signal)).rejects.toThrow('gave up')
    expect(await turnstile.through(async () => 'free')).toBe('free')
  })
})
