import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { Accounts, type TopicLogin } from './accounts.js'
import { hashSecret, isSecret, isSecretHash } from './secret.js'

const certificate = Buffer.from('a certificate')
const thumbprint = createHash('sha256')
  .update(certificate)
  .digest('hex')
  .toUpperCase()
  .replace(/..(?=.)/g, '$&:')

describe('accounts', () => {
  let accounts: Accounts

  beforeAll(async () => {
    const asked = ({ username }: TopicLogin) => (username === 'guest' ? 'visitor' : undefined)
    accounts = new Accounts(
      [
        { name: 'ann', secret: await hashSecret('right') },
        { name: 'meter', certificates: [thumbprint] },
      ],
      asked,
    )
  })

  test.each([
    [{ username: 'ann', password: 'right' }, 'ann'],
    [{ username: 'ann', password: 'right' }, 'ann'],
    [{ username: 'ann', password: 'wrong' }, undefined],
    [{ username: 'ann' }, undefined],
    [{ username: 'bob', password: 'right' }, undefined],
    [{ username: 'meter', password: '' }, undefined],
    [{ certificate }, 'meter'],
    [{ certificate, username: 'meter' }, 'meter'],
    [{ certificate, username: 'ann' }, undefined],
    [{ certificate: Buffer.from('another') }, undefined],
    [{ certificate, username: 'ann', password: 'wrong' }, undefined],
    [{ username: 'guest' }, 'visitor'],
    [{}, undefined],
  ])('%j is the login of %s', async (given, expected) => {
    const login = { clientId: 'c', username: undefined, password: undefined, certificate: undefined, address: '::1' }
    expect(await accounts.find({ ...login, ...given })).toBe(expected)
  })

  test.each([
    [[{ name: '' }], 'accounts[0]'],
    [[{ name: 'a', secret: 'plain' }], 'accounts[0].secret'],
    [[{ name: 'a' }, { name: 'a' }], 'accounts'],
    [[{ name: 'a', certificates: ['ab'] }], 'accounts[0].certificates[0]'],
    [
      [
        { name: 'a', certificates: [thumbprint] },
        { name: 'b', certificates: [thumbprint] },
      ],
      'accounts[1].certificates[0]',
    ],
  ])('%j are refused', (given, place) => {
    expect(() => new Accounts(given)).toThrow(expect.objectContaining({ code: 'TOPIC_ACCOUNT', place }))
  })

  test('more guesses than may wait are turned away, and a known client is not among them', async () => {
    const guess = (username: string) =>
      accounts.find({ clientId: 'c', username, password: 'guess', certificate: undefined, address: '::1' })
    const guesses = Promise.allSettled(Array.from({ length: 40 }, (_, index) => guess(`nobody-${index}`)))
    const login = { clientId: 'c', username: 'ann', password: 'right', certificate: undefined, address: '::1' }
    expect(await accounts.find(login)).toBe('ann')
    expect((await guesses).filter(({ status }) => status === 'rejected')).toHaveLength(8)
  })
})

test('a secret is recognised by its hash, which does not tell it and is never the same', async () => {
  const [one, other] = await Promise.all([hashSecret('secret'), hashSecret('secret')])
  expect(one).not.toBe(other)
  expect(one).not.toContain('secret')
  expect([await isSecret(one, 'secret'), await isSecret(one, 'Secret')]).toEqual([true, false])
})

test.each(['', 'secret', 'scrypt:3:8:1:AAAAAAAAAAAAAAAAAAAAAA==:x', 'scrypt:999999:99:1:AAAAAAAAAAAAAAAAAAAAAA==:'])(
  '%j is no hash',
  text => expect(isSecretHash(text)).toBe(false),
)
