import { expect, it } from 'vitest'
import { createSasToken, formatSasAudience, parseSasToken, Refusal, verifySasToken } from '../src/index.js'

it('judges the token of the README as its own', () => {
  const key = Buffer.from('any key').toString('base64')
  const identity = { deviceId: 'press-7' }
  const resource = formatSasAudience('hub.example', identity)
  const text = createSasToken({ resource, expiresAt: Date.now() + 3_600_000, key })

  const token = parseSasToken(text)
  if (token instanceof Refusal) throw new Error(token.reason)
  const verdict = verifySasToken(token, {
    hosts: ['hub.example'],
    identities: [identity],
    keys: [key],
    now: Date.now(),
  })
  expect(verdict).toMatchObject({ valid: true })
})
