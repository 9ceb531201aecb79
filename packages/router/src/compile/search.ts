/** Below this product of lengths the engine's own search is quick whatever the texts; above, its worst case is not. */
const SMALL = 1 << 20

/** Like `text.indexOf(part)`, in time linear to both whatever they contain. */
export function indexOf(text: string, part: string): number {
  return text.length * part.length <= SMALL ? text.indexOf(part) : knuthMorrisPratt(text, part)
}

function knuthMorrisPratt(text: string, part: string): number {
  const borders = bordersOf(part)
  let matched = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    while (matched > 0 && part.charCodeAt(matched) !== unit) matched = borders[matched - 1]!
    if (part.charCodeAt(matched) === unit) matched++
    if (matched === part.length) return at - matched + 1
  }
  return -1
}

/** For each prefix, the length of its longest proper prefix that is also its suffix. */
function bordersOf(part: string): Int32Array {
  const borders = new Int32Array(part.length)
  let length = 0
  for (let at = 1; at < part.length; at++) {
    const unit = part.charCodeAt(at)
    while (length > 0 && part.charCodeAt(length) !== unit) length = borders[length - 1]!
    if (part.charCodeAt(length) === unit) length++
    borders[at] = length
  }
  return borders
}
