/** Values that break careless arithmetic. */
const EDGES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff]

const MUTATIONS = [
  (bytes, random) => flip(bytes, random.below(bytes.length), 1 << random.below(8)),
  (bytes, random) => replace(bytes, random.below(bytes.length), random.pick(EDGES)),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => splice(bytes, random.below(bytes.length), 1 + random.below(8), Buffer.alloc(0)),
  (bytes, random) => splice(bytes, random.below(bytes.length), 0, random.bytes(1 + random.below(16))),
  (bytes, random) => {
    const start = random.below(bytes.length)
    const part = bytes.subarray(start, start + 1 + random.below(64))
    return splice(bytes, random.below(bytes.length), 0, part)
  },
  (bytes, random) => splice(bytes, random.below(bytes.length), 4, Buffer.from([255, 255, 255, 255])),
]

/** One to four changes of a kind that wire formats suffer badly. */
export function mutate(bytes, random) {
  let changed = bytes
  for (let rest = 1 + random.below(4); rest > 0 && changed.length > 0; rest -= 1) {
    changed = random.pick(MUTATIONS)(changed, random)
  }
  return changed
}

function flip(bytes, at, mask) {
  return replace(bytes, at, bytes[at] ^ mask)
}

function replace(bytes, at, value) {
  const changed = Buffer.from(bytes)
  changed[at] = value
  return changed
}

function splice(bytes, at, remove, insert) {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)])
}
