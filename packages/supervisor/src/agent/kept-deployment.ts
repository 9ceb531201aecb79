import {
  describeError,
  EdgewrightError,
  type Logger,
  type Sealer,
  type Store,
  type TwinProperties,
} from '@edgewright/core'

/** Where the last good deployment is kept. */
export interface KeptDeploymentParts {
  readonly store: Store
  /** A deployment holds secrets. */
  readonly sealer: Sealer
  readonly logger: Logger
}

const TABLE = 'agent'
const KEY = 'deployment'

/** The desired properties of `$edgeAgent` that were good last, unreadable at rest: what a start without a network goes by. */
export class KeptDeployment {
  readonly #parts: KeptDeploymentParts

  constructor(parts: KeptDeploymentParts) {
    this.#parts = parts
  }

  /** What was kept; undefined when there is nothing, or nothing that can be read any more. */
  async read(): Promise<TwinProperties | undefined> {
    try {
      const row = await this.#parts.store.get(TABLE, KEY)
      return row && (JSON.parse(Buffer.from(this.#parts.sealer.unseal(row)).toString('utf8')) as TwinProperties)
    } catch (error) {
      if (EdgewrightError.is(error, 'NOT_RUNNING')) throw error
      this.#warn('The kept deployment cannot be read', error)
      return undefined
    }
  }

  /** Resolves when it is durable, or was not taken: supervision goes on without. */
  async write(desired: TwinProperties): Promise<void> {
    try {
      const value = this.#parts.sealer.seal(Buffer.from(JSON.stringify(desired)))
      await this.#parts.store.write({ put: [{ table: TABLE, key: KEY, value }] })
    } catch (error) {
      this.#warn('The deployment could not be kept; a start without a network will use the one before', error)
    }
  }

  #warn(message: string, error: unknown): void {
    this.#parts.logger.log('warn', message, { error: describeError(error) })
  }
}
