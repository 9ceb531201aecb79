import { EdgewrightError } from './errors.js'

const UNITS = Object.freeze({ ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 })

/** A length of time as people write it: `250 ms`, `1.5 s`, `5 min`, `2 h`, `30 d`. The space may be left out. */
export type DurationText = `${number}${'' | ' '}${keyof typeof UNITS}`

/** A length of time: milliseconds, or as people write it. */
export type Duration = number | DurationText

/** The longest duration that is taken: ten years of 365 days, in milliseconds. */
export const MAX_DURATION = 315_360_000_000

/**
 * Milliseconds of a duration: 0 to {@link MAX_DURATION}, fractions kept.
 *
 * @param duration - a string at large, so that settings can be passed as they come
 * @throws `DURATION_INVALID`
 */
export function parseDuration(duration: Duration | (string & {})): number {
  const milliseconds = typeof duration === 'number' ? duration : fromText(duration)
  if (milliseconds >= 0 && milliseconds <= MAX_DURATION) return milliseconds
  throw new EdgewrightError('DURATION_INVALID', `"${String(duration).slice(0, 40)}" is no duration`, {
    remedy: 'Write a number of at most ten years with ms, s, min, h or d, such as "250 ms" or "5 min".',
  })
}

function fromText(text: string): number {
  const [, amount, unit] = /^(\d{1,15}(?:\.\d{1,15})?) ?(ms|s|min|h|d)$/.exec(text) ?? []
  return amount === undefined ? Number.NaN : Number(amount) * UNITS[unit as keyof typeof UNITS]
}
