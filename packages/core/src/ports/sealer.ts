/** Keeps small values unreadable at rest. */
export interface Sealer {
  /** The value as bytes that only the same sealer can read. */
  seal(value: Uint8Array): Uint8Array
  /**
   * The value of bytes that {@link Sealer.seal} made.
   *
   * @throws `SEAL_BROKEN` when they were changed, or sealed with another key
   */
  unseal(sealed: Uint8Array): Uint8Array
}
