import { type Address, segmentOf } from '../catalog/address.js'

/** Bytes of a block, unless one record needs more. */
const BLOCK_BYTES = 1_048_576

/** One piece of the end of the log. No record lies in two. */
export interface Block {
  readonly buffer: Buffer
  /** Where the first byte lies. */
  readonly address: Address
  /** Bytes that are taken. */
  length: number
}

/**
 * The end of the log, in memory: what is on its way to the file, and as much of what went before as the cache may
 * hold, so that reading right behind the writers does not touch the medium.
 */
export class Tail {
  #blocks: Block[] = []
  #spare: Buffer[] = []

  constructor(readonly cacheBytes: number) {}

  /** Goes on at an address, in a block of its own. */
  begin(address: Address): void {
    this.#blocks.push({ buffer: this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES), address, length: 0 })
  }

  /** Nothing before this address is here. */
  get start(): Address {
    return this.#blocks[0]!.address
  }

  /** Where the next byte will lie. */
  get end(): Address {
    const last = this.#last
    return last.address + last.length
  }

  /** The last block, with room for so many more bytes in one piece. */
  claim(bytes: number): Block {
    const last = this.#last
    if (last.length + bytes <= last.buffer.length) return last
    if (bytes <= BLOCK_BYTES) this.begin(this.end)
    else this.#blocks.push({ buffer: Buffer.allocUnsafeSlow(bytes), address: this.end, length: 0 })
    return this.#last
  }

  /** Everything from one address to another, of one segment, as it goes to the file. */
  slices(from: Address, to: Address): Uint8Array[] {
    const slices: Uint8Array[] = []
    for (const { buffer, address, length } of this.#blocks) {
      if (segmentOf(address) !== segmentOf(from)) continue
      const start = Math.max(from - address, 0)
      const end = Math.min(to - address, length)
      if (start < end) slices.push(buffer.subarray(start, end))
    }
    return slices
  }

  /** The block that holds an address; the caller copies out of it before anything else happens. */
  find(address: Address): Block | undefined {
    for (let i = this.#blocks.length - 1; i >= 0; i--) {
      const block = this.#blocks[i]!
      if (address >= block.address) return address < block.address + block.length ? block : undefined
    }
    return undefined
  }

  /** Lets go of the oldest blocks that are in the file already, when the cache holds too much. */
  trim(durable: Address): void {
    let held = this.#blocks.reduce((sum, block) => sum + block.buffer.length, 0)
    while (held > this.cacheBytes && this.#blocks.length > 1) {
      const [oldest, next] = this.#blocks as [Block, Block]
      if (next.address > durable) return
      this.#blocks.shift()
      held -= oldest.buffer.length
      if (oldest.buffer.length === BLOCK_BYTES && this.#spare.length < 4) this.#spare.push(oldest.buffer)
    }
  }

  /** Forgets everything, and goes on at an address. */
  restart(address: Address): void {
    this.#blocks = []
    this.begin(address)
  }

  get #last(): Block {
    return this.#blocks[this.#blocks.length - 1]!
  }
}
