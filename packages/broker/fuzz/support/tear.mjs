/** The same bytes in pieces, some of them small. */
export function tear(bytes, random) {
  const pieces = []
  for (let at = 0; at < bytes.length; ) {
    const length = random.once(3) ? 1 + random.below(16) : bytes.length
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}
