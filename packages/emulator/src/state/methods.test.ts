import type { MethodRequest } from '@edgewright/core'
import { virtualClock } from '@edgewright/testkit'
import { expect, test } from 'vitest'
import { Clients } from './clients.js'
import { Methods } from './methods.js'
import { Registry } from './registry.js'

const PRESS = { deviceId: 'press' }
const owner = { transport: 'test', part: () => undefined }
const call = (times: Partial<MethodRequest> = {}): MethodRequest => ({
  name: 'reboot',
  responseTimeout: 30_000,
  connectTimeout: 0,
  ...times,
})

function setUp() {
  const clock = virtualClock()
  const clients = new Clients()
  const registry = new Registry(new Map(), () => 0)
  registry.createDevice(PRESS)
  const connect = (answer: 'answers' | 'is silent' | 'goes away') => {
    clients.claim(PRESS, owner)
    clients.handle(PRESS, owner, 'method', async () => {
      if (answer === 'goes away') throw new Error('gone')
      return answer === 'answers' ? { status: 200 } : new Promise(() => undefined)
    })
  }
  return { clock, connect, methods: new Methods({ clients, registry, clock }) }
}

test('a call waits for its client as long as it may', async () => {
  const { clock, connect, methods } = setUp()
  const answered = methods.invoke(PRESS, call({ connectTimeout: 10_000 }))
  await clock.advance(9_999)
  connect('answers')
  expect(await answered).toEqual({ status: 200 })
})

test('nobody there in time is one error, no answer in time another', async () => {
  const { clock, connect, methods } = setUp()
  const offline = expect(methods.invoke(PRESS, call())).rejects.toMatchObject({ code: 'HUB_DEVICE_NOT_ONLINE' })
  await clock.advance(0)
  await offline
  connect('is silent')
  const late = expect(methods.invoke(PRESS, call())).rejects.toMatchObject({ code: 'HUB_METHOD_TIMEOUT' })
  await clock.untilPending()
  await clock.advance(30_000)
  await late
  connect('goes away')
  await expect(methods.invoke(PRESS, call())).rejects.toMatchObject({ code: 'HUB_METHOD_TIMEOUT' })
  await expect(methods.invoke({ deviceId: 'ghost' }, call())).rejects.toMatchObject({ code: 'HUB_DEVICE_NOT_FOUND' })
})
