/**
 * Whether a schema version is one that is understood: 1.0 to 1.1.0, with two to four numbers.
 * Source: compared as .NET versions are, where a missing number is less than 0.
 */
export function isSupportedSchemaVersion(text: string): boolean {
  if (!/^\d{1,9}(\.\d{1,9}){1,3}$/.test(text)) return false
  const [major, minor, build = -1, revision = -1] = text.split('.').map(Number)
  return major === 1 && (minor === 0 || (minor === 1 && build <= 0 && revision < 0))
}
