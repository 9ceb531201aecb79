import type { MessageSource } from '@edgewright/core'
import { ANY_SEGMENT, messagePath, type SourcePattern } from '../check/source-pattern.js'

interface Node {
  readonly children: Map<string, Node>
  any: Node | undefined
  /** What ends here, by position in the table. */
  readonly entries: number[]
}

/** A tree of source patterns: finding what matches a path costs the length of the path and the number of matches. */
export class SourceIndex {
  readonly #root: Node = makeNode()

  constructor(patterns: readonly SourcePattern[]) {
    for (const [position, pattern] of patterns.entries()) this.#nodeFor(pattern).entries.push(position)
  }

  #nodeFor(pattern: SourcePattern): Node {
    let node = this.#root
    for (const segment of pattern) {
      if (segment === ANY_SEGMENT) {
        node = node.any ??= makeNode()
      } else {
        const child = node.children.get(segment) ?? makeNode()
        node.children.set(segment, child)
        node = child
      }
    }
    return node
  }

  /** The positions of the patterns that messages from a source match, in ascending order. */
  find(source: MessageSource): readonly number[] {
    const found: number[] = []
    let level = [this.#root]
    for (const segment of [...messagePath(source), undefined]) {
      const next: Node[] = []
      for (const node of level) {
        found.push(...node.entries)
        const child = segment === undefined ? undefined : node.children.get(segment)
        if (child !== undefined) next.push(child)
        if (node.any !== undefined) next.push(node.any)
      }
      level = next
    }
    return found.sort((a, b) => a - b)
  }
}

function makeNode(): Node {
  return { children: new Map(), any: undefined, entries: [] }
}
