/** Why a signature does not count. Never leaves this package: what is thrown at last names the image. */
export class SignatureRefused extends Error {}

/** @throws SignatureRefused unless it holds */
export function requireThat(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new SignatureRefused(otherwise)
}
