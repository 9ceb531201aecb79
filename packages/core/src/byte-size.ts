import { EdgewrightError } from './errors.js'

const UNITS = Object.freeze({
  ...{ B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824, TiB: 1_099_511_627_776 },
  ...{ kB: 1_000, MB: 1_000_000, GB: 1_000_000_000, TB: 1_000_000_000_000 },
})

/** A number of bytes as people write it: `512 MiB`, `2 GiB`, `1.5 GB`. The space may be left out. */
export type ByteSizeText = `${number}${'' | ' '}${keyof typeof UNITS}`

/** A size: bytes, or as people write it. */
export type ByteSize = number | ByteSizeText

/**
 * Bytes of a size, whole.
 *
 * @param size - a string at large, so that settings can be passed as they come
 * @throws `BYTE_SIZE_INVALID`
 */
export function parseByteSize(size: ByteSize | (string & {})): number {
  const bytes = Math.floor(typeof size === 'number' ? size : fromText(size))
  if (bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER) return bytes
  throw new EdgewrightError('BYTE_SIZE_INVALID', `"${String(size).slice(0, 40)}" is no number of bytes`, {
    remedy: 'Write a number with B, KiB, MiB, GiB or TiB (or kB, MB, GB, TB), such as "512 MiB".',
  })
}

function fromText(text: string): number {
  const [, amount, unit] = /^(\d{1,15}(?:\.\d{1,15})?) ?([kKMGT]i?B|B)$/.exec(text) ?? []
  return amount === undefined ? Number.NaN : Number(amount) * (UNITS[unit as keyof typeof UNITS] ?? Number.NaN)
}
