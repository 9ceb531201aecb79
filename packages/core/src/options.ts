/**
 * What was given, with the defaults for what was left out; `undefined` counts as left out.
 *
 * @param defaults - a value for each option that has one
 */
export function withDefaults<Given extends object, Defaults extends object>(
  defaults: Defaults,
  given: Given,
): Given & Defaults {
  const result = { ...defaults } as Record<string, unknown>
  for (const [name, value] of Object.entries(given)) if (value !== undefined) result[name] = value
  return result as Given & Defaults
}
