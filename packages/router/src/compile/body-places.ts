import type { BodyStep } from '../syntax/tree.js'

/** A place in a body that is looked for, or that lies on the way to one. */
export interface Place {
  /** Places are numbered so that those below one have the numbers from its own to `end`, exclusively. */
  readonly number: number
  readonly end: number
  readonly members: readonly { readonly name: Uint8Array; readonly place: Place }[]
  readonly elements: ReadonlyMap<number, Place>
}

/** The place below another one whose name lies in the bytes from `start` to `end`. */
export function memberAt(place: Place, bytes: Uint8Array, start: number, end: number): Place | undefined {
  for (const member of place.members) if (isName(member.name, bytes, start, end)) return member.place
  return undefined
}

function isName(name: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (name.length !== end - start) return false
  for (let index = 0; index < name.length; index++) if (bytes[start + index] !== name[index]) return false
  return true
}

/**
 * The places that paths lead to, as a tree, and the number of each path's own place.
 *
 * @returns nothing when a name cannot be told by its bytes alone.
 */
export function placesOf(
  paths: readonly (readonly BodyStep[])[],
): { root: Place; numbers: readonly number[] } | undefined {
  if (paths.some(path => path.some(step => typeof step === 'string' && isAmbiguous(step)))) return undefined
  const numbers = paths.map(() => 0)
  const routes = paths.map((path, index) => ({ path, index }))
  return { root: build(routes, 0, 0, numbers), numbers }
}

/** Lone surrogates have no bytes of their own, and what is no UTF-8 is read as U+FFFD. */
function isAmbiguous(name: string): boolean {
  return /[\p{Surrogate}\ufffd]/u.test(name)
}

type PathTo = { readonly path: readonly BodyStep[]; readonly index: number }

function build(paths: readonly PathTo[], depth: number, number: number, numbers: number[]): Place {
  const groups = new Map<BodyStep, PathTo[]>()
  for (const to of paths) {
    const step = to.path[depth]
    if (step === undefined) numbers[to.index] = number
    else groups.set(step, [...(groups.get(step) ?? []), to])
  }
  let end = number + 1
  const children = Array.from(groups, ([step, group]) => {
    const child = build(group, depth + 1, end, numbers)
    end = child.end
    return [step, child] as const
  })
  return {
    number,
    end,
    members: children.flatMap(([step, place]) =>
      typeof step === 'string' ? [{ name: Buffer.from(step, 'utf8'), place }] : [],
    ),
    elements: new Map(children.flatMap(([step, place]) => (typeof step === 'number' ? [[step, place]] : []))),
  }
}
