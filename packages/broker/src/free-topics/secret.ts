import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'

/** What scrypt costs: 16 MiB and some ten milliseconds for each attempt. */
const COST = Object.freeze({ N: 16_384, r: 8, p: 1 })
const KEY_BYTES = 32
const HASH = /^scrypt:(\d{1,6}):(\d{1,2}):(\d{1,2}):([A-Za-z0-9+/=]{16,88}):([A-Za-z0-9+/=]{44})$/

/** A hash by which a secret can be recognised and not read, for {@link TopicAccount.secret}; another one each time. */
export async function hashSecret(secret: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(secret, salt, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64'), key.toString('base64')].join(':')
}

/** Whether a text is what {@link hashSecret} makes. */
export function isSecretHash(text: string): boolean {
  return parse(text) !== undefined
}

/** Whether the hash is of this secret. Takes as long either way. */
export async function isSecret(hash: string, secret: string): Promise<boolean> {
  const parsed = parse(hash)
  if (parsed === undefined) return false
  return timingSafeEqual(await derive(secret, parsed.salt, parsed.cost), parsed.key)
}

function parse(text: string) {
  const [, N, r, p, salt, key] = HASH.exec(text) ?? []
  if (key === undefined) return undefined
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const isUsable =
    cost.N > 1 && (cost.N & (cost.N - 1)) === 0 && cost.N * cost.r <= MAX_COST && cost.r > 0 && cost.p > 0
  return isUsable ? { cost, salt: Buffer.from(salt!, 'base64'), key: Buffer.from(key, 'base64') } : undefined
}

/** 128 MiB of memory. */
const MAX_COST = 1_048_576

function derive(secret: string, salt: Buffer, cost: { N: number; r: number; p: number }): Promise<Buffer> {
  const maxmem = 256 * cost.N * cost.r
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, KEY_BYTES, { ...cost, maxmem }, (error, key) => (error ? reject(error) : resolve(key)))
  })
}
