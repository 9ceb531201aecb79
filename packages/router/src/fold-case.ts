const BEYOND_ASCII = /\P{ASCII}/u

/** A text as comparisons that ignore letter case see it: UTF-16 unit by unit, without regard to any culture. */
export function foldCase(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text.toLowerCase()
  let folded = ''
  for (let at = 0; at < text.length; at++) folded += foldUnit(text[at]!)
  return folded
}

function foldUnit(unit: string): string {
  if (unit <= '\x7f') return unit.toLowerCase()
  const upper = unit.toUpperCase()
  return upper.length === 1 && upper > '\x7f' ? upper : unit
}
