import { createContext, runInContext, Script } from 'node:vm'
import { badRequest } from './method-refusal.js'

/** Milliseconds that a pattern may take for one portion of texts. */
const TIME_LIMIT = 200

const MATCH = new Script('texts.map(text => pattern.test(text))')

/**
 * A pattern of others: one that takes too long is given up instead of holding everything up.
 *
 * @param text - a regular expression
 */
export class BoundedPattern {
  readonly #context: { texts: readonly string[] }

  constructor(text: string, flags = '') {
    this.#context = { texts: [] }
    createContext(this.#context)
    Object.assign(this.#context, { source: text, flags })
    runInContext('pattern = new RegExp(source, flags)', this.#context)
  }

  /**
   * Which of the texts it is found in.
   *
   * @throws `METHOD_PAYLOAD_INVALID` when it takes too long
   */
  test(texts: readonly string[]): readonly boolean[] {
    this.#context.texts = texts
    try {
      return MATCH.runInContext(this.#context as object, { timeout: TIME_LIMIT }) as readonly boolean[]
    } catch {
      throw badRequest('regex: it takes too long')
    } finally {
      this.#context.texts = []
    }
  }
}
