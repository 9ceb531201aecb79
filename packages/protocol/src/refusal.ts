/**
 * What a decoder gives instead of a value: bad input is an answer, not an exception. Holds no part of the input, which
 * may be secret.
 */
export class Refusal {
  constructor(
    /** What is wrong, as a clause: `the expiry is not a number`. */
    readonly reason: string,
    /** Where in the input, in code units of text or bytes of a buffer. */
    readonly offset: number,
  ) {}
}
