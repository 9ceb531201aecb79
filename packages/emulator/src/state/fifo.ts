/** A list that is appended to at one end and shortened at the other, both in constant time on average. */
export class Fifo<Item> {
  #items: Item[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  /** The item so many places behind the oldest. */
  at(index: number): Item | undefined {
    return index < 0 ? undefined : this.#items[this.#head + index]
  }

  /** Takes the oldest away. */
  shift(): Item | undefined {
    const item = this.#items[this.#head]
    if (this.length > 0) this.#head += 1
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (let index = this.#head; index < this.#items.length; index += 1) yield this.#items[index] as Item
  }
}
