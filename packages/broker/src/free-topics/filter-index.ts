/** Values under topic filters, found by topic: the cost depends on the levels of the topic, not on how many there are. */
export class FilterIndex<Value> {
  readonly #root: Node<Value> = newNode()

  add(filter: string, value: Value): void {
    let node = this.#root
    for (const level of filter.split('/')) {
      let child = node.children.get(level)
      if (child === undefined) node.children.set(level, (child = newNode()))
      node = child
    }
    node.values.add(value)
  }

  remove(filter: string, value: Value): void {
    removeFrom(this.#root, filter.split('/'), 0, value)
  }

  /** Every value with a filter that matches, once. */
  match(topic: string): Set<Value> {
    const found = new Set<Value>()
    collect(this.#root, topic.split('/'), 0, found)
    return found
  }
}

interface Node<Value> {
  readonly children: Map<string, Node<Value>>
  readonly values: Set<Value>
}

function newNode<Value>(): Node<Value> {
  return { children: new Map(), values: new Set() }
}

/** @returns whether nothing is left below */
function removeFrom<Value>(node: Node<Value>, levels: readonly string[], at: number, value: Value): boolean {
  if (at === levels.length) node.values.delete(value)
  else {
    const child = node.children.get(levels[at]!)
    if (child !== undefined && removeFrom(child, levels, at + 1, value)) node.children.delete(levels[at]!)
  }
  return node.values.size === 0 && node.children.size === 0
}

function collect<Value>(node: Node<Value>, levels: readonly string[], at: number, found: Set<Value>): void {
  const open = node.children.get('#')
  if (open !== undefined) for (const value of open.values) found.add(value)
  if (at === levels.length) {
    for (const value of node.values) found.add(value)
    return
  }
  const exact = node.children.get(levels[at]!)
  if (exact !== undefined) collect(exact, levels, at + 1, found)
  const any = node.children.get('+')
  if (any !== undefined) collect(any, levels, at + 1, found)
}
