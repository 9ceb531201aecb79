import { ANY_SEGMENT, type SourcePattern } from '../check/source-pattern.js'

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

  /**
   * The positions of the patterns that a path matches, in ascending order. For a pattern in place of a path: of those
   * that match whatever it matches.
   */
  find(path: SourcePattern): readonly number[] {
    const found: number[] = []
    let level = [this.#root]
    for (const segment of path) {
      for (const node of level) found.push(...node.entries)
      level = level.flatMap(node => {
        const child = segment === ANY_SEGMENT ? undefined : node.children.get(segment)
        return [child, node.any].filter(next => next !== undefined)
      })
    }
    for (const node of level) found.push(...node.entries)
    return found.sort((a, b) => a - b)
  }
}

function makeNode(): Node {
  return { children: new Map(), any: undefined, entries: [] }
}
