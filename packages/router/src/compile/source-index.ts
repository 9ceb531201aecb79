import { ANY_SEGMENT, type SourcePattern } from '../check/source-pattern.js'

interface Node {
  readonly id: number
  readonly children: Map<string, Node>
  any: Node | undefined
  /** What ends here, by position in the table. */
  readonly entries: number[]
}

/** What matches a path. */
export interface SourceMatches {
  /** The same for paths with the same matches. */
  readonly key: string
  /** Positions of patterns, in ascending order. */
  positions(): readonly number[]
}

/** A tree of source patterns: finding what matches a path costs the length of the path and the number of matches. */
export class SourceIndex {
  #size = 0
  readonly #root: Node = this.#makeNode()

  constructor(patterns: readonly SourcePattern[]) {
    for (const [position, pattern] of patterns.entries()) this.#nodeFor(pattern).entries.push(position)
  }

  #makeNode(): Node {
    return { id: this.#size++, children: new Map(), any: undefined, entries: [] }
  }

  #nodeFor(pattern: SourcePattern): Node {
    let node = this.#root
    for (const segment of pattern) {
      if (segment === ANY_SEGMENT) {
        node = node.any ??= this.#makeNode()
      } else {
        const child = node.children.get(segment) ?? this.#makeNode()
        node.children.set(segment, child)
        node = child
      }
    }
    return node
  }

  /** The patterns that a path matches. For a pattern in place of a path: those that match whatever it matches. */
  find(path: SourcePattern): SourceMatches {
    const found = this.#nodesOn(path).filter(node => node.entries.length > 0)
    return {
      key: found.map(node => node.id).join(),
      positions: () => found.flatMap(node => node.entries).sort((a, b) => a - b),
    }
  }

  #nodesOn(path: SourcePattern): readonly Node[] {
    let level: readonly Node[] = [this.#root]
    const found = [this.#root]
    for (const segment of path) {
      level = level.flatMap(node => {
        const child = segment === ANY_SEGMENT ? undefined : node.children.get(segment)
        return [child, node.any].filter(next => next !== undefined)
      })
      for (const node of level) found.push(node)
    }
    return found
  }
}
