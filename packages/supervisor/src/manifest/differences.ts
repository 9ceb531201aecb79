import { isDeepStrictEqual } from 'node:util'
import { isJsonObject, type ModuleSpecification } from '@edgewright/core'

/** A label that tools add to create options and that means nothing to the engine. */
const MEANINGLESS_LABEL = 'normalizedCreateOptions'

/**
 * Where two specifications differ in meaning, in words for people; empty when they ask for the same. The order of
 * members means nothing; a member that is null, or labels that are none, are absent.
 */
export function differences(before: ModuleSpecification, after: ModuleSpecification): readonly string[] {
  const found: string[] = []
  if (before.type !== after.type) found.push(`its type: ${before.type} became ${after.type}`)
  for (const name of namesOf(before.settings, after.settings)) {
    const [was, is] = [normal(before.settings[name]), normal(after.settings[name])]
    if (!isDeepStrictEqual(was, is)) found.push(name === 'image' ? `its image: ${was} became ${is}` : `its ${name}`)
  }
  // Names only: values may be secret.
  for (const name of namesOf(before.environment, after.environment)) {
    if (before.environment[name] !== after.environment[name]) found.push(`its environment variable ${name}`)
  }
  return found
}

function namesOf(a: object, b: object): ReadonlySet<string> {
  return new Set([...Object.keys(a), ...Object.keys(b)])
}

/** A value without members that mean nothing, so that deep equality is equality of meaning. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (!isJsonObject(value)) return value ?? undefined
  const members = Object.entries(value)
    .filter(([name, member]) => member !== null && name !== MEANINGLESS_LABEL)
    .map(([name, member]) => [name, normal(member)] as const)
  return Object.fromEntries(members.filter(([name, member]) => name !== 'Labels' || !isDeepStrictEqual(member, {})))
}
