const BLANKS_AROUND = /^[\t-\r ]+|[\t-\r ]+$/g
const INFINITY = /^([+-]?)infinity$/i
const NUMBER = /^([+(-]?)¤?[\t-\r ]*(\d[\d,]*)?(?:\.(\d*))?(?:e([+-]?\d+))?[\t-\r ]*¤?[\t-\r ]*([+)-]?)$/i
const GROUPED = /^\d{1,3}(?:,\d{3})+$/

/** Longer texts spell no number that anybody means. */
const MAX_LENGTH = 256

/**
 * The number that a text spells, independent of any culture: blanks around it, a sign on either side or parentheses
 * for a negative one, `,` between thousands, an exponent, a currency sign (`¤`), `Infinity`.
 *
 * @param anyGroups - whether commas may stand anywhere behind a digit, as the original has it.
 * @returns NaN when the text spells none.
 */
export function parseNumber(text: string, anyGroups: boolean): number {
  const plain = parsePlain(text)
  return Number.isNaN(plain) && text.length <= MAX_LENGTH ? parseAny(text, anyGroups) : plain
}

function parseAny(text: string, anyGroups: boolean): number {
  const trimmed = text.replace(BLANKS_AROUND, '')
  const infinity = INFINITY.exec(trimmed)
  if (infinity !== null) return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  const parts = NUMBER.exec(trimmed)
  if (parts === null) return Number.NaN
  const [, before = '', whole = '', fraction = '', exponent = '0', after = ''] = parts
  const digits = ungrouped(whole, anyGroups)
  const bracketed = before === '(' && after === ')'
  const signed = !`${before}${after}`.match(/[()]/) && (before === '' || after === '')
  if (digits === undefined || digits + fraction === '' || !(bracketed || signed)) return Number.NaN
  const value = Number(`${digits || '0'}.${fraction || '0'}e${exponent}`)
  return bracketed || before === '-' || after === '-' ? -value : value
}

function ungrouped(digits: string, anyGroups: boolean): string | undefined {
  if (!digits.includes(',')) return digits
  return anyGroups || GROUPED.test(digits) ? digits.replaceAll(',', '') : undefined
}

const ZERO = 48
const NINE = 57
const MINUS = 45
const POINT = 46
/** As many digits as a double holds exactly, so that one division rounds once and rightly. */
export const EXACT_DIGITS = 15
/** For moving the decimal point by at most that many digits. */
export const POWERS_OF_TEN = Float64Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent)

/** The number in a text of nothing but digits, with a minus or a point: nearly every reading. NaN for other texts. */
function parsePlain(text: string): number {
  const length = text.length
  const negative = length > 0 && text.charCodeAt(0) === MINUS
  const first = negative ? 1 : 0
  let point = -1
  let value = 0
  if (length - first > EXACT_DIGITS + 1) return Number.NaN
  for (let at = first; at < length; at++) {
    const unit = text.charCodeAt(at)
    if (unit >= ZERO && unit <= NINE) {
      value = value * 10 + (unit - ZERO)
    } else if (unit === POINT && point < 0) {
      point = at
    } else {
      return Number.NaN
    }
  }
  const digits = length - first - (point < 0 ? 0 : 1)
  if (digits === 0 || digits > EXACT_DIGITS) return Number.NaN
  if (point >= 0) value /= POWERS_OF_TEN[length - point - 1]!
  return negative ? -value : value
}
