import {
  type Clock,
  describeError,
  type Logger,
  Service,
  silentLogger,
  type Store,
  systemClock,
} from '@edgewright/core'
import { IMAGE_RETENTION_DEFAULTS, type ImageRetention, imagesToRemove, type StoredImage } from './images-to-remove.js'

/** Where images lie. `DockerRuntime` is one. */
export interface ImageShelf {
  images(signal?: AbortSignal): Promise<readonly StoredImage[]>
  /** The images that modules are made from now. */
  imagesOfModules(): Iterable<string>
  /** The image that a reference means here; undefined when it is not here. */
  imageOf(reference: string, signal?: AbortSignal): Promise<string | undefined>
  removeImage(id: string, signal?: AbortSignal): Promise<void>
}

/** What an {@link ImageCleanup} works with. */
export interface ImageCleanupComponents {
  readonly shelf: ImageShelf
  /** Where it is kept which images were used by modules, and when. */
  readonly store: Store
  /** References of images that must stay: those of the last good deployment. */
  readonly wanted: () => Iterable<string>
  readonly clock?: Clock
  readonly logger?: Logger
}

/** When images are cleaned up. */
export interface ImageCleanupOptions extends ImageRetention {
  /** Milliseconds between two rounds. @default 1 day */
  readonly every?: number
}

/** When images are cleaned up when nothing else is said. */
export const IMAGE_CLEANUP_DEFAULTS = Object.freeze({
  ...IMAGE_RETENTION_DEFAULTS,
  every: 86_400_000 as number,
}) satisfies Required<ImageCleanupOptions>

const TABLE = 'images'

/** Removes images that modules were once made from and that nobody needs any more, round by round. */
export class ImageCleanup extends Service {
  readonly #parts: ImageCleanupComponents
  readonly #options: Required<ImageCleanupOptions>
  readonly #clock: Clock
  readonly #logger: Logger
  #ending = new AbortController()
  #round: Promise<unknown> = Promise.resolve()

  constructor(components: ImageCleanupComponents, options: ImageCleanupOptions = {}) {
    super()
    this.#parts = components
    this.#options = { ...IMAGE_CLEANUP_DEFAULTS, ...options }
    this.#clock = components.clock ?? systemClock
    this.#logger = components.logger ?? silentLogger
  }

  /** One round. @returns the images that went */
  async clean(signal?: AbortSignal): Promise<readonly string[]> {
    const { shelf } = this.#parts
    const now = this.#clock.now()
    const images = await shelf.images(signal)
    const wanted = await this.#wanted(signal)
    const usedAt = await this.#usedAt(images, wanted, now)
    const gone: string[] = []
    for (const { id, bytes } of imagesToRemove({ images, wanted, usedAt, now }, this.#options)) {
      try {
        await shelf.removeImage(id, signal)
        gone.push(id)
        this.#logger.log('info', 'An image nobody needs was removed', { image: id, bytes })
      } catch (error) {
        this.#logger.log('warn', 'An image could not be removed', { image: id, error: describeError(error) })
      }
    }
    return gone
  }

  protected async onStart(): Promise<void> {
    this.#ending = new AbortController()
    this.#schedule(this.#ending.signal)
  }

  protected async onStop(): Promise<void> {
    this.#ending.abort()
    await this.#round
  }

  #schedule(signal: AbortSignal): void {
    const timer = this.#clock.after(this.#options.every, () => {
      this.#round = this.clean(signal)
        .catch(error => this.#logger.log('warn', 'Images were not cleaned up', { error: describeError(error) }))
        .then(() => signal.aborted || this.#schedule(signal))
    })
    signal.addEventListener('abort', () => timer.cancel(), { once: true })
  }

  async #wanted(signal: AbortSignal | undefined): Promise<ReadonlySet<string>> {
    const { shelf, wanted } = this.#parts
    const ids = new Set(shelf.imagesOfModules())
    for (const reference of wanted()) {
      const id = await shelf.imageOf(reference, signal)
      if (id !== undefined) ids.add(id)
    }
    return ids
  }

  /** When modules used each image last, brought up to date; what is no longer here is forgotten. */
  async #usedAt(
    images: readonly StoredImage[],
    wanted: ReadonlySet<string>,
    now: number,
  ): Promise<ReadonlyMap<string, number>> {
    const { store } = this.#parts
    const present = new Set(images.map(({ id }) => id))
    const usedAt = new Map<string, number>()
    const put: { table: string; key: string; value?: Uint8Array }[] = []
    for await (const [id, value] of store.entries(TABLE)) {
      if (present.has(id)) usedAt.set(id, Number(Buffer.from(value).toString()))
      else put.push({ table: TABLE, key: id })
    }
    for (const id of wanted) {
      usedAt.set(id, now)
      put.push({ table: TABLE, key: id, value: Buffer.from(String(now)) })
    }
    await store.write({ put })
    return usedAt
  }
}
