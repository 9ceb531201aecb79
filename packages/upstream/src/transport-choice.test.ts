import { expect, test } from 'vitest'
import { TransportChoice, type TransportName } from './transport-choice.js'

const ALL: readonly TransportName[] = ['amqp', 'amqp-ws', 'mqtt']

/** What is tried while everything fails in one way. */
function failing(choice: TransportChoice, times: number, isBlocked: boolean): TransportName[] {
  return Array.from({ length: times }, () => {
    const transport = choice.next()
    choice.failed(transport, isBlocked)
    return transport
  })
}

test('the preferred transport is tried alone as long as nothing seems to block it', () => {
  expect(failing(new TransportChoice(ALL), 5, false)).toEqual(Array(5).fill('amqp'))
  expect(failing(new TransportChoice(['amqp']), 5, true)).toEqual(Array(5).fill('amqp'))
})

test('when it seems to be blocked, every other attempt is one of the rest in turn', () => {
  expect(failing(new TransportChoice(ALL), 9, true)).toEqual([
    ...['amqp', 'amqp', 'amqp'],
    ...['amqp-ws', 'amqp', 'mqtt', 'amqp', 'amqp-ws', 'amqp'],
  ])
})

test('what worked last is tried before the preferred one, until it fails', () => {
  const choice = new TransportChoice(ALL)
  failing(choice, 5, true)
  expect(choice.next()).toBe('mqtt')
  choice.succeeded('mqtt')
  expect(choice.next()).toBe('mqtt')
  choice.failed('mqtt', true)
  expect(choice.next()).toBe('amqp')
  expect(choice.next()).toBe('mqtt')
})

test('success of the preferred one forgets what was', () => {
  const choice = new TransportChoice(ALL)
  failing(choice, 4, true)
  choice.succeeded('amqp')
  expect(failing(choice, 3, true)).toEqual(['amqp', 'amqp', 'amqp'])
})
