import { type VirtualClock, virtualClock } from '@edgewright/testkit'
import { beforeEach, describe, expect, test } from 'vitest'
import { LoginThrottle } from './login-throttle.js'

const ADDRESS = '192.0.2.1'

let clock: VirtualClock
let throttle: LoginThrottle
let told: string[]

beforeEach(() => {
  clock = virtualClock()
  throttle = new LoginThrottle(clock, { freeFailures: 2, longestDelay: 1_000, maxHeld: 3 })
  told = []
})

function refuse(name: string, address = ADDRESS): void {
  throttle.refuse(
    address,
    () => told.push(name),
    () => told.push(`${name} dropped`),
  )
}

describe('refusals of an address', () => {
  test('are held back longer each time, up to the longest', async () => {
    refuse('1')
    refuse('2')
    expect(told).toEqual(['1', '2'])
    for (const delay of [100, 200, 400, 800, 1_000, 1_000]) {
      told = []
      refuse('next')
      await clock.advance(delay - 1)
      expect(told).toEqual([])
      await clock.advance(1)
      expect(told).toEqual(['next'])
    }
  })

  test('are dropped when too many of them are held', async () => {
    for (const name of ['1', '2', '3', '4', '5', '6']) refuse(name)
    expect(told).toEqual(['1', '2', '6 dropped'])
    await clock.advance(1_000)
    expect(told).toEqual(['1', '2', '6 dropped', '3', '4', '5'])
  })

  test('concern no other address', () => {
    for (const name of ['1', '2', '3']) refuse(name)
    refuse('other', '192.0.2.2')
    expect(told).toEqual(['1', '2', 'other'])
  })

  test('begin anew after a minute', async () => {
    for (const name of ['1', '2', '3']) refuse(name)
    await clock.advance(60_000)
    told = []
    refuse('4')
    expect(told).toEqual(['4'])
  })
})
