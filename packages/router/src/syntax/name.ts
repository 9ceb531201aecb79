/**
 * What no name may contain unless it is quoted: blanks, punctuation, operators and quotes of every kind. A hyphen, a
 * dot, `#`, `~`, `^` and letters of all scripts may stand in names.
 */
const EXCLUDED = '\\s\\p{Cc}()<>@,;:\\\\"/[\\]?={}!+*%|&\'“”„‘’'

/** A name, from `lastIndex` on. */
export const NAME = new RegExp(`[^${EXCLUDED}]+`, 'uy')

const BARE_NAME = new RegExp(`^(?![-$\\d.])[^${EXCLUDED}]+$`, 'u')
const BARE_MEMBER = new RegExp(`^(?!\\d+$)[^.${EXCLUDED}]+$`, 'u')

/** Whether a property's name can stand in a rule without braces, keywords and literals apart. */
export function isBareName(name: string): boolean {
  return BARE_NAME.test(name)
}

/** Whether a member's name can stand in a path without brackets. */
export function isBareMember(name: string): boolean {
  return BARE_MEMBER.test(name)
}
