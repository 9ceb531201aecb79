/** What every error of this project carries beside its text. */
export interface EdgewrightErrorOptions {
  /** Where the cause lies: a file and line, a route's name, a setting, an address. */
  readonly place?: string
  /** What the reader can do about it, as one sentence. */
  readonly remedy?: string
  /** The error underneath. */
  readonly cause?: unknown
}

/**
 * The base of every error that a program may want to handle.
 *
 * The `code` is contract and stays stable within a major version; the text is not. Programming mistakes throw a plain
 * `TypeError` instead, because nobody should handle them.
 */
export class EdgewrightError extends Error {
  /** Stable, in capitals, unique over all packages: see `docs/reference/errors.md`. */
  readonly code: string
  /** Where the cause lies, when it is known. */
  readonly place: string | undefined
  /** What to do about it, when there is something to do. */
  readonly remedy: string | undefined

  constructor(code: string, message: string, options: EdgewrightErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = new.target.name
    this.code = code
    this.place = options.place
    this.remedy = options.remedy
  }

  /** Whether a caught value is one of ours, and optionally of this code. */
  static is(value: unknown, code?: string): value is EdgewrightError {
    return value instanceof EdgewrightError && (code === undefined || value.code === code)
  }
}

/** The text of any thrown value, with the remedy when it has one: for logs and terminals. */
export function describeError(error: unknown): string {
  if (EdgewrightError.is(error)) {
    const place = error.place === undefined ? '' : ` (${error.place})`
    const remedy = error.remedy === undefined ? '' : ` ${error.remedy}`
    return `${error.message}${place}${remedy}`
  }
  return error instanceof Error ? error.message : String(error)
}
