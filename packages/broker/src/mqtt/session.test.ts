import type { Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { advance, grantedQos, newSession, type OpenState, type SessionInput, type SessionState } from './session.js'

const peer = { address: '10.0.0.1', certificate: undefined }
const identity = { deviceId: 'd' }
const open: OpenState = { phase: 'open', identity, filters: new Map(), restored: new Set(), will: undefined }
const will = { body: Buffer.from('gone'), properties: new Map(), system: {} }

const END: SessionInput = { kind: 'ended', end: { kind: 'taken-over' } }
const VERDICT: SessionInput = { kind: 'authenticated', verdict: { accepted: true, identity } }

function packet(packet: object): SessionInput {
  return { kind: 'packet', packet: packet as Packet }
}

const connect = packet({
  cmd: 'connect',
  clientId: 'd',
  username: 'hub/d/?api-version=1&model-id=dtmi:a;1',
  password: Buffer.from('token'),
  keepalive: 30,
  clean: false,
})

function run(state: SessionState, ...inputs: readonly SessionInput[]) {
  let effects: readonly { readonly kind: string }[] = []
  for (const input of inputs) ({ state, effects } = advance(state, input))
  return { phase: state.phase, effects: effects.map(effect => effect.kind), last: effects.at(-1), state }
}

describe('an MQTT session', () => {
  test('goes from CONNECT over credentials and the hub’s session to the welcome', () => {
    const asked = run(newSession(peer), connect)
    expect(asked).toMatchObject({ phase: 'connecting', effects: ['authenticate'] })
    expect(asked.last).toMatchObject({ request: { credentials: { kind: 'sas', token: 'token', peer: '10.0.0.1' } } })
    const known = run(asked.state, { kind: 'authenticated', verdict: { accepted: true, identity, expiresAt: 99 } })
    expect(known.last).toEqual({
      kind: 'open',
      keepAlive: 30_000,
      options: { identity, expiresAt: 99, persistent: true, modelId: 'dtmi:a;1', productInfo: undefined },
    })
    const welcomed = run(known.state, { kind: 'opened', restored: new Set(['desired']) })
    expect(welcomed).toMatchObject({ phase: 'open', last: { kind: 'welcome', sessionPresent: true } })
  })

  test.each<[string, SessionState, SessionInput, string, string[]]>([
    ['a packet before CONNECT', newSession(peer), packet({ cmd: 'pingreq' }), 'closed', ['close']],
    ['a second CONNECT', open, connect, 'closed', ['close']],
    ['a ping', open, packet({ cmd: 'pingreq' }), 'open', ['pong']],
    ['a packet for servers', open, packet({ cmd: 'suback' }), 'closed', ['close']],
    ['DISCONNECT with a will', { ...open, will }, packet({ cmd: 'disconnect' }), 'closed', ['close']],
    ['a loss with a will', { ...open, will }, { kind: 'lost' }, 'closed', ['send-will', 'close']],
    ['the hub’s end with a will', { ...open, will }, END, 'closed', ['send-will', 'close']],
    ['a loss before the login', newSession(peer), { kind: 'lost' }, 'closed', ['close']],
    ['anything after the end', { phase: 'closed' }, { kind: 'lost' }, 'closed', []],
    ['a verdict that comes too late', { phase: 'closed' }, VERDICT, 'closed', []],
    ['another version', newSession(peer), { kind: 'foreign-version', level: 5 }, 'closed', ['turn-away']],
    ['a hub that is full', newSession(peer), { kind: 'not-opened', reason: 'full' }, 'closed', ['turn-away']],
  ])('answers %s', (_name, state, input, phase, effects) => {
    expect(run(state, input)).toMatchObject({ phase, effects })
  })

  test('tells refused credentials from a check that is not possible now', () => {
    const { state } = run(newSession(peer), connect)
    const refuse = (reason: 'disabled' | 'unavailable'): SessionInput => ({
      kind: 'authenticated',
      verdict: { accepted: false, reason, detail: 'x' },
    })
    expect(run(state, refuse('disabled')).last).toMatchObject({ returnCode: 5, badLogin: true })
    expect(run(state, refuse('unavailable')).last).toMatchObject({ returnCode: 3, badLogin: false })
  })

  test('delivers at the highest QoS granted, and at 1 what was restored', () => {
    const commands = 'devices/d/messages/devicebound/#'
    const subscribe = (qos: 0 | 1): SessionInput =>
      packet({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: commands, qos }] })
    expect(grantedQos(open, 'commands')).toBe(1)
    expect(grantedQos(run(open, subscribe(0)).state as OpenState, 'commands')).toBe(0)
    expect(grantedQos(run(open, subscribe(0), subscribe(1)).state as OpenState, 'commands')).toBe(1)
  })
})
