import { dirname, resolve } from 'node:path'
import { EdgewrightError, isJsonObject, type JsonObject, type JsonValue } from '@edgewright/core'
import { readBounded, readPrivateFile } from '../private-file.js'
import { KeyServiceSigner } from '../signers/key-service-signer.js'
import type { ClientCertificate } from './https-json.js'
import type { DpsAttestation, ProvisioningSource } from './source.js'

/**
 * Reads who a gateway is from a JSON file. It holds no secret itself: keys stand in files of their own, readable by this
 * user alone, whose paths count from its folder. See `docs/guides/provisioning.md`.
 *
 * @throws `PROVISIONING_FILE_INVALID` with the member that is wrong; `PRIVATE_FILE_EXPOSED`
 */
export async function readProvisioningFile(path: string): Promise<ProvisioningSource> {
  const text = await readBounded(path).catch(cause => {
    throw EdgewrightError.is(cause) ? cause : invalid(path, 'The file cannot be read', cause)
  })
  let json: JsonValue
  try {
    json = JSON.parse(text.toString())
  } catch (cause) {
    throw invalid(path, 'The file is no JSON', cause)
  }
  return await sourceOf(new Members(path, '', json))
}

async function sourceOf(members: Members): Promise<ProvisioningSource> {
  const kind = members.oneOf('kind', ['connectionString', 'certificate', 'keyService', 'dps'])
  if (kind === 'connectionString') {
    const connectionString = await members.secret('connectionStringFile')
    return members.complete({ kind, connectionString })
  }
  if (kind === 'dps') return await dpsSource(members)
  const device = { hubHostName: members.text('hubHostName'), deviceId: members.text('deviceId') }
  if (kind === 'certificate') return members.complete({ kind, ...device, ...(await certificateOf(members)) })
  return members.complete({ kind: 'signer', ...device, ...keyOf(members) })
}

async function dpsSource(members: Members): Promise<ProvisioningSource> {
  const source = {
    kind: 'dps' as const,
    idScope: members.text('idScope'),
    host: members.optionalText('host'),
    port: members.optionalPort('port'),
    registrationId: members.optionalText('registrationId'),
    payload: members.optional('payload'),
    attestation: await attestationOf(members.object('attestation')),
  }
  return members.complete(source)
}

async function attestationOf(members: Members): Promise<DpsAttestation> {
  const kind = members.oneOf('kind', ['symmetricKey', 'groupKey', 'keyService', 'certificate'])
  if (kind === 'certificate') return members.complete({ kind, ...(await certificateOf(members)) })
  if (kind === 'keyService') return members.complete({ kind: 'signer', ...keyOf(members) })
  return members.complete({ kind, key: await members.secret('keyFile') })
}

async function certificateOf(members: Members): Promise<ClientCertificate> {
  return {
    certificate: await members.content('certificateFile'),
    privateKey: await members.secret('privateKeyFile'),
  }
}

function keyOf(members: Members) {
  const socketPath = members.path('socket')
  return { signer: new KeyServiceSigner({ socketPath }), keyId: members.text('keyId') }
}

/** The members of one object, taken one by one, so that what nobody takes is found. */
class Members {
  readonly #file: string
  readonly #place: string
  readonly #left: Map<string, JsonValue>

  constructor(file: string, place: string, json: JsonValue | undefined) {
    this.#file = file
    this.#place = place
    if (!isJsonObject(json)) throw invalid(`${file}: ${place || 'the whole'}`, 'An object is wanted here')
    this.#left = new Map(Object.entries(json as JsonObject))
  }

  optional(name: string): JsonValue | undefined {
    const value = this.#left.get(name)
    this.#left.delete(name)
    return value
  }

  optionalText(name: string): string | undefined {
    const value = this.optional(name)
    if (value === undefined || (typeof value === 'string' && value !== '')) return value
    throw this.#wrong(name, 'A text is wanted here')
  }

  text(name: string): string {
    const value = this.optionalText(name)
    if (value === undefined) throw this.#wrong(name, 'This is missing')
    return value
  }

  optionalPort(name: string): number | undefined {
    const value = this.optional(name)
    if (value === undefined) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536) return value
    throw this.#wrong(name, 'A port is wanted here')
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.text(name)
    const found = choices.find(choice => choice === value)
    if (found === undefined) throw this.#wrong(name, `One of ${choices.join(', ')} is wanted here`)
    return found
  }

  object(name: string): Members {
    return new Members(this.#file, this.#name(name), this.optional(name))
  }

  path(name: string): string {
    return resolve(dirname(this.#file), this.text(name))
  }

  /** What a file holds that anybody may read. */
  async content(name: string): Promise<string> {
    const path = this.path(name)
    const content = await readBounded(path).catch(cause => {
      throw EdgewrightError.is(cause) ? cause : this.#wrong(name, `The file ${path} cannot be read`, cause)
    })
    return content.toString()
  }

  /** What a file holds that nobody else may read, without the line break at its end. */
  async secret(name: string): Promise<string> {
    const path = this.path(name)
    const content = await readPrivateFile(path)
    if (content === undefined) throw this.#wrong(name, `There is no file ${path}`)
    return content.toString().trim()
  }

  /** The result, when nothing is left that nobody knows. */
  complete<T>(result: T): T {
    const [unknown] = this.#left.keys()
    if (unknown === undefined) return result
    throw this.#wrong(unknown, 'Nobody knows this; keys stand in files of their own')
  }

  #name(name: string): string {
    return this.#place === '' ? name : `${this.#place}.${name}`
  }

  #wrong(name: string, problem: string, cause?: unknown): EdgewrightError {
    return invalid(`${this.#file}: ${this.#name(name)}`, problem, cause)
  }
}

function invalid(place: string, problem: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('PROVISIONING_FILE_INVALID', problem, {
    place,
    remedy: 'See docs/guides/provisioning.md for what the file looks like.',
    cause,
  })
}
