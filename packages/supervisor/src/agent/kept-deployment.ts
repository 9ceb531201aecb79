import {
  describeError,
  EdgewrightError,
  type JsonObject,
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

/** What is wanted, and who said so. */
export interface DeploymentOrder {
  /** Of the twin; those of a local order have no version of their own, and no meaning beside the document. */
  readonly desired: TwinProperties
  /** A deployment document that stands in the twin's place until the twin changes. */
  readonly local?: JsonObject | undefined
}

const TABLE = 'agent'
const KEY = 'deployment'

/** The deployment that was good last, unreadable at rest: what a start without a network goes by. */
export class KeptDeployment {
  readonly #parts: KeptDeploymentParts

  constructor(parts: KeptDeploymentParts) {
    this.#parts = parts
  }

  /** What was kept; undefined when there is nothing, or nothing that can be read any more. */
  async read(): Promise<DeploymentOrder | undefined> {
    try {
      const row = await this.#parts.store.get(TABLE, KEY)
      if (row === undefined) return undefined
      const { local, ...desired } = JSON.parse(Buffer.from(this.#parts.sealer.unseal(row)).toString('utf8'))
      return { desired, local }
    } catch (error) {
      if (EdgewrightError.is(error, 'NOT_RUNNING')) throw error
      this.#warn('The kept deployment cannot be read', error)
      return undefined
    }
  }

  /** Resolves when it is durable, or was not taken: supervision goes on without. */
  async write({ desired, local }: DeploymentOrder): Promise<void> {
    try {
      const value = this.#parts.sealer.seal(Buffer.from(JSON.stringify({ ...desired, local })))
      await this.#parts.store.write({ put: [{ table: TABLE, key: KEY, value }] })
    } catch (error) {
      this.#warn('The deployment could not be kept; a start without a network will use the one before', error)
    }
  }

  #warn(message: string, error: unknown): void {
    this.#parts.logger.log('warn', message, { error: describeError(error) })
  }
}
