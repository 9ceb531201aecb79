import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

/** The tests that hold a trap shut: the file, and the name of each as it is written there. */
interface Trap {
  readonly trap: string
  readonly file?: string
  readonly tests?: readonly string[]
  /** Why there is nothing to try. */
  readonly because?: string
}

/** Every trap of the AMQP library as a server. Source: wire reference, section 9.2. */
const TRAPS: readonly Trap[] = [
  {
    trap: '1: by default every message is accepted, and 1,000 credit granted',
    file: 'amqp-wire',
    tests: [
      'is settled when it is durable, in the order in which it came',
      'has credit only for what the store has taken',
    ],
  },
  {
    trap: '2: the automatic answer to an attach has no termini',
    file: 'amqp-wire',
    tests: ['to %s are telemetry of the device', 'with receiver-settle-mode %s go on beyond what the library can hold'],
  },
  {
    trap: '3: an attach is answered on the next turn, whatever one waits for',
    file: 'amqp-wire',
    tests: ['to %s are refused, and only they', 'are refused when the hub is full'],
  },
  {
    trap: '4: a delivery without credit blocks all links of its session',
    file: 'amqp-wire',
    tests: ['that wait for credit hold up no other link of the session'],
  },
  {
    trap: '5: credit is counted down a turn too late',
    file: 'amqp-robustness',
    tests: ['a link gets no more than its credit, though the library counts it a turn late'],
  },
  {
    trap: '6: a session holds a fixed number of unsettled deliveries, freed from the oldest on',
    file: 'amqp-wire',
    tests: ['with receiver-settle-mode %s go on beyond what the library can hold'],
  },
  {
    trap: '7: deliveries with receiver-settle-mode second are never forgotten',
    file: 'amqp-wire',
    tests: ['with receiver-settle-mode %s go on beyond what the library can hold'],
  },
  {
    trap: '8: an event stops at the first listener on its way up',
    file: 'amqp-wire',
    tests: [
      'are settled as the client says, and given back when their link goes',
      'of a kind are stolen by a newer one, and the session stays',
    ],
  },
  { trap: '9: a malformed frame ends the process that does not listen', file: 'amqp-wire', tests: ['is to %s'] },
  {
    trap: '10: what was announced as the largest frame or message is not enforced',
    file: 'amqp-wire',
    tests: ['claim a frame of two gigabytes', 'is to leave too much unfinished'],
  },
  {
    trap: '11: a peer that sends only the header stays for ever',
    file: 'amqp-wire',
    tests: ['closes for a peer that does not log in within a minute, and for one that says nothing'],
  },
  {
    trap: '12: nobody looks whether the socket takes what is written',
    file: 'amqp-robustness',
    tests: ['is let go, and its neighbours are not held up'],
  },
  {
    trap: '13: a message of another format comes as bytes',
    file: 'amqp-wire',
    tests: ['in the batch format is several messages with one outcome'],
  },
  {
    trap: '14: ids lose their type, and numbers have the wrong one',
    file: 'amqp-wire',
    tests: ['are answered with the id of the request when it is %s'],
  },
  {
    trap: '15: a bare body becomes an AMQP value',
    file: 'amqp-robustness',
    tests: ['a body reaches the client as one data section'],
  },
  {
    trap: '16: a link of one name is known in one direction only',
    file: 'amqp-robustness',
    tests: [
      'a link of one name may be there in each direction',
      'a link that was closed may come again under its name',
    ],
  },
  {
    trap: '17: links of a client share their properties',
    because: 'The gateway opens no links as a client here; upstream gives every link an object of its own.',
  },
]

describe('every trap of the AMQP library', () => {
  test('has its row', () => {
    expect(TRAPS.map(({ trap }) => Number.parseInt(trap, 10))).toEqual(
      Array.from({ length: 17 }, (_, index) => index + 1),
    )
  })

  test.each(TRAPS)('$trap', ({ file, tests = [], because }) => {
    expect(tests.length > 0 || because !== undefined).toBe(true)
    const text = file === undefined ? '' : readFileSync(new URL(`./${file}.test.ts`, import.meta.url), 'utf8')
    for (const name of tests) expect(text).toContain(`'${name}'`)
  })
})
