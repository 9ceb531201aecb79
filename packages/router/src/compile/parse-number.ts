const SHAPE = /^[\t-\r ]*(.*?)[\t-\r ]*$/s
const NUMBER = /^([+-]?)(\()?([+-]?)(\d[\d,]*)?(?:\.(\d*))?(?:[eE]([+-]?\d+))?(\))?([+-]?)$/
const PLAIN = /^-?\d+(?:\.\d+)?$/
const GROUPED = /^\d{1,3}(?:,\d{3})+$/

/**
 * The number that a text spells, independent of any culture: blanks around it, a sign on either side or parentheses
 * for a negative one, `,` between thousands, an exponent, a currency sign (`¤`), `Infinity`.
 *
 * @param anyGroups - whether commas may stand anywhere between digits, as the original has it.
 * @returns NaN when the text spells none.
 */
export function parseNumber(text: string, anyGroups: boolean): number {
  if (text.length > MAX_LENGTH) return Number.NaN
  if (PLAIN.test(text)) return Number(text)
  const body = SHAPE.exec(text)![1]!
  const infinity = /^([+-]?)infinity$/i.exec(body)
  if (infinity !== null) return infinity[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  const parts = NUMBER.exec(body.replace(/[\t-\r ]*¤[\t-\r ]*/, ''))
  if (parts === null) return Number.NaN
  const [, sign = '', open, innerSign = '', whole, fraction, exponent = '0', close, trailingSign = ''] = parts
  const signs = sign + innerSign + trailingSign
  const wellFormed = (open === undefined) === (close === undefined) && signs.length <= 1
  const digits = groupedDigits(whole ?? '', anyGroups)
  if (!wellFormed || digits === undefined || (digits === '' && !fraction)) return Number.NaN
  const value = Number(`${digits || '0'}.${fraction || '0'}e${exponent}`)
  return open !== undefined || signs === '-' ? -value : value
}

/** Longer texts spell no number that anybody means. */
const MAX_LENGTH = 1024

function groupedDigits(digits: string, anyGroups: boolean): string | undefined {
  if (!digits.includes(',')) return digits
  return anyGroups || GROUPED.test(digits) ? digits.replaceAll(',', '') : undefined
}
