/** Limits with nothing left open: what is given counts, where it is not undefined, and the default else. */
export function withDefaults<Limits extends object>(
  defaults: Limits,
  given: { readonly [K in keyof Limits]?: Limits[K] | undefined },
): Limits {
  const set = Object.entries(given).filter(([name, value]) => name in defaults && value !== undefined)
  return { ...defaults, ...Object.fromEntries(set) }
}
