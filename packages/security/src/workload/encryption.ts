import { createHash } from 'node:crypto'
import { EdgewrightError, type Sealer } from '@edgewright/core'
import { base64Field } from './fields.js'
import type { IdentityCall, IdentityOperation } from './operation.js'
import { WorkloadRefusal } from './answer.js'

/** Bytes that bind a ciphertext to its module, generation and initialization vector. */
const BINDING_BYTES = 32

/**
 * Seals a value for its module alone. The sealer draws a nonce for each value, so an initialization vector that a module
 * uses over and over weakens nothing; the same one is needed to decrypt, as with the original.
 */
export const encrypt: IdentityOperation = async (call, { sealer }) => {
  const plaintext = base64Field(call.body, 'plaintext')
  const ciphertext = sealer.seal(Buffer.concat([binding(call), plaintext]))
  return { status: 200, json: { ciphertext: Buffer.from(ciphertext).toString('base64') } }
}

/** Opens a value that the same module, in the same generation, has sealed with the same initialization vector. */
export const decrypt: IdentityOperation = async (call, { sealer }) => {
  const opened = unseal(sealer, base64Field(call.body, 'ciphertext'))
  if (!opened.subarray(0, BINDING_BYTES).equals(binding(call))) throw undecipherable()
  return { status: 200, json: { plaintext: opened.toString('base64', BINDING_BYTES) } }
}

function binding({ moduleId, identity, body }: IdentityCall): Buffer {
  const vector = base64Field(body, 'initializationVector').toString('base64')
  return createHash('sha256')
    .update(JSON.stringify([moduleId, identity.generationId, vector]))
    .digest()
}

function unseal(sealer: Sealer, ciphertext: Buffer): Buffer {
  try {
    return Buffer.from(sealer.unseal(ciphertext))
  } catch (error) {
    if (EdgewrightError.is(error, 'SEAL_BROKEN')) throw undecipherable(error)
    throw error
  }
}

function undecipherable(cause?: unknown): WorkloadRefusal {
  return new WorkloadRefusal(500, 'the ciphertext cannot be decrypted', cause)
}
