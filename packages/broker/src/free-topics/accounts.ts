import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { EdgewrightError } from '@edgewright/core'
import { isSecret, isSecretHash } from './secret.js'

/** A client that IoT Hub does not know, and how it proves who it is. */
export interface TopicAccount {
  /** What the client gives as its user name, and what the access policy calls it. */
  readonly name: string
  /** Hash of its password, made by {@link hashSecret}. */
  readonly secret?: string | undefined
  /** SHA-256 thumbprints of its client certificates, hexadecimal; colons and case do not count. */
  readonly certificates?: readonly string[] | undefined
}

/** What a client shows that IoT Hub does not know. */
export interface TopicLogin {
  readonly clientId: string
  readonly username: string | undefined
  readonly password: string | undefined
  /** The certificate of the TLS handshake, DER; nobody has judged it. */
  readonly certificate: Uint8Array | undefined
  /** The client's address, as far as it is known. */
  readonly address: string
}

/**
 * An integrator's own login: the name of the account, or undefined to refuse. Asked when no account of the gateway fits.
 * What it throws refuses the client for now.
 */
export type TopicAuthenticator = (login: TopicLogin) => string | undefined | Promise<string | undefined>

/** Finds whose login it is. */
export class Accounts {
  readonly #accounts: ReadonlyMap<string, TopicAccount>
  readonly #byCertificate = new Map<string, string>()
  readonly #authenticate: TopicAuthenticator
  /** Secrets that were right, so that who comes again waits for nobody's guesses. By a key that no one else has. */
  readonly #known = new Map<string, Buffer>()
  readonly #key = randomBytes(32)
  #turn: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /** @throws `TOPIC_ACCOUNT` when an account is not one */
  constructor(accounts: readonly TopicAccount[] = [], authenticate: TopicAuthenticator = () => undefined) {
    this.#accounts = new Map(accounts.map(account => [account.name, account]))
    this.#authenticate = authenticate
    accounts.forEach((account, index) => void this.#check(account, `accounts[${index}]`))
    if (this.#accounts.size < accounts.length) throw invalid('accounts', 'Two accounts have the same name')
  }

  /**
   * Whose login it is; undefined when it is nobody's.
   *
   * @throws when that cannot be found out now
   */
  async find(login: TopicLogin): Promise<string | undefined> {
    return this.#findByCertificate(login) ?? (await this.#findBySecret(login)) ?? (await this.#authenticate(login))
  }

  #findByCertificate({ certificate, username, password }: TopicLogin): string | undefined {
    if (certificate === undefined || password !== undefined) return undefined
    const name = this.#byCertificate.get(createHash('sha256').update(certificate).digest('hex'))
    return username === undefined || username === name ? name : undefined
  }

  async #findBySecret({ username, password }: TopicLogin): Promise<string | undefined> {
    if (username === undefined || password === undefined || this.#accounts.size === 0) return undefined
    const mark = createHmac('sha256', this.#key).update(password).digest()
    const known = this.#known.get(username)
    if (known !== undefined && timingSafeEqual(known, mark)) return username
    const hash = this.#accounts.get(username)?.secret
    // Whether there is such an account must not be told by how long the answer takes.
    const isRight = await this.#inTurn(() => isSecret(hash ?? NOBODYS, password))
    if (!isRight || hash === undefined) return undefined
    this.#known.set(username, mark)
    return username
  }

  /** One after the other: a flood of guesses must not take the threads that the store writes with. */
  async #inTurn(work: () => Promise<boolean>): Promise<boolean> {
    if (this.#waiting >= MAX_WAITING) throw new Error('too many logins wait to be judged')
    this.#waiting += 1
    try {
      const turn = this.#turn.then(work)
      this.#turn = turn.catch(() => undefined)
      return await turn
    } finally {
      this.#waiting -= 1
    }
  }

  #check({ name, secret, certificates = [] }: TopicAccount, place: string): void {
    if (name.length === 0 || Buffer.byteLength(name) > MAX_NAME_BYTES) {
      throw invalid(place, `The name of an account has 1 to ${MAX_NAME_BYTES} bytes`)
    }
    if (secret !== undefined && !isSecretHash(secret)) throw invalid(`${place}.secret`, 'A secret is not hashed')
    certificates.forEach((text, index) => {
      const thumbprint = text.replaceAll(':', '').toLowerCase()
      const at = `${place}.certificates[${index}]`
      if (!/^[0-9a-f]{64}$/.test(thumbprint)) throw invalid(at, 'A thumbprint is not SHA-256 in hexadecimal')
      if (this.#byCertificate.has(thumbprint)) throw invalid(at, 'A certificate stands for one account only')
      this.#byCertificate.set(thumbprint, name)
    })
  }
}

const MAX_WAITING = 32
const MAX_NAME_BYTES = 128
/** The hash of a secret that nobody knows. */
const NOBODYS = `scrypt:16384:8:1:${Buffer.alloc(16).toString('base64')}:${Buffer.alloc(32).toString('base64')}`

function invalid(place: string, fault: string): EdgewrightError {
  return new EdgewrightError('TOPIC_ACCOUNT', fault, {
    place,
    remedy: 'Give each account a name of its own, its password as made by hashSecret(), and SHA-256 thumbprints.',
  })
}
