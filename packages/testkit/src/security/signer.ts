import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { inspect } from 'node:util'
import { EdgewrightError, type Signer } from '@edgewright/core'
import type { TestRunner } from '../runner.js'

/** A signer and the keys that a test has put into it. */
export interface SignerUnderTest {
  readonly signer: Signer
  /** At least two keys of different bytes, by the names they have at the signer. */
  readonly keys: ReadonlyMap<string, Uint8Array>
  /** Clears away what was made for the test. */
  dispose?(): Promise<void> | void
}

/** Makes a signer for one test; it may be the same each time. */
export type SignerFactory = () => SignerUnderTest | Promise<SignerUnderTest>

/** What is signed, in bytes: up to more than any token is long. */
const SIZES = [1, 63, 64, 65, 1_000, 1_024, 1_025, 16_384]
const TOGETHER = 32
const NO_KEY: [string, Uint8Array] = ['the test was given no key', new Uint8Array()]

/**
 * Registers the tests that every `Signer` must pass.
 *
 * @param runner - the test framework's `describe` and `it`
 */
export function signerConformance({ describe, it }: TestRunner, make: SignerFactory): void {
  const withSigner = (test: (subject: SignerUnderTest) => Promise<void>) => async () => {
    const subject = await make()
    try {
      await test(subject)
    } finally {
      await subject.dispose?.()
    }
  }

  describe('a signer', () => {
    it(
      'gives HMAC-SHA256 of whatever it is given, with the key that is named',
      withSigner(async ({ signer, keys }) => {
        for (const [keyId, key] of keys) {
          for (const size of SIZES) {
            const data = numbered(size)
            assert.deepEqual(Buffer.from(await signer.sign(keyId, data)), expected(key, data), `${size} bytes`)
          }
        }
      }),
    )

    it(
      'leaves what it is given as it is',
      withSigner(async ({ signer, keys: [[keyId] = NO_KEY] }) => {
        const data = numbered(100)
        await signer.sign(keyId, data)
        assert.deepEqual(data, numbered(100))
      }),
    )

    it(
      'signs for many at the same time, each its own',
      withSigner(async ({ signer, keys }) => {
        const names = [...keys.keys()]
        const asked = Array.from({ length: TOGETHER }, (_, index) => {
          const keyId = names[index % names.length]!
          return { keyId, data: Buffer.from(`number ${index}`) }
        })
        const signatures = await Promise.all(asked.map(({ keyId, data }) => signer.sign(keyId, data)))
        for (const [index, { keyId, data }] of asked.entries()) {
          assert.deepEqual(Buffer.from(signatures[index]!), expected(keys.get(keyId)!, data))
        }
      }),
    )

    it(
      'has no key under another name, and says nothing of the keys it has',
      withSigner(async ({ signer, keys }) => {
        for (const name of ['no such key', '', '../device', '--help', 'a'.repeat(1_000)]) {
          const error = await signer.sign(name, numbered(10)).then(
            () => undefined,
            reason => reason,
          )
          assert.ok(EdgewrightError.is(error, 'KEY_NOT_FOUND'), `${name}: ${inspect(error)}`)
          const text = inspect(error, { depth: 9 })
          for (const key of keys.values()) assert.ok(!text.includes(Buffer.from(key).toString('base64')))
        }
      }),
    )

    it(
      'goes on after it was asked for a key that it does not have',
      withSigner(async ({ signer, keys: [[keyId, key] = NO_KEY] }) => {
        await signer.sign('no such key', numbered(1)).catch(() => undefined)
        assert.deepEqual(Buffer.from(await signer.sign(keyId, numbered(1))), expected(key, numbered(1)))
      }),
    )

    it(
      'gives up when it is told to',
      withSigner(async ({ signer, keys: [[keyId] = NO_KEY] }) => {
        const reason = new Error('no longer wanted')
        await assert.rejects(signer.sign(keyId, numbered(1), AbortSignal.abort(reason)), error => error === reason)
      }),
    )

    it(
      'shows no key to who looks into it',
      withSigner(async ({ signer, keys }) => {
        const text = `${inspect(signer, { depth: 9, showHidden: true })} ${JSON.stringify(signer)}`
        for (const key of keys.values()) {
          const bytes = Buffer.from(key)
          for (const encoding of ['base64', 'hex', 'latin1'] as const)
            assert.ok(!text.includes(bytes.toString(encoding)))
        }
      }),
    )
  })
}

function numbered(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index % 256)
}

function expected(key: Uint8Array, data: Uint8Array): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
