/** An image on this machine. */
export interface StoredImage {
  /** `sha256:…` */
  readonly id: string
  readonly bytes: number
  /** Whether a container of anybody is made from it. */
  readonly isUsed: boolean
}

/** When images go. */
export interface ImageRetention {
  /** Milliseconds that an image may lie unused. @default 7 days */
  readonly unusedFor?: number
  /** Bytes that images of modules may take together; those unused longest go first. @default no limit */
  readonly quota?: number
}

/** When images go when nothing else is said. */
export const IMAGE_RETENTION_DEFAULTS = Object.freeze({
  unusedFor: 604_800_000 as number,
  quota: Number.POSITIVE_INFINITY as number,
}) satisfies Required<ImageRetention>

/** What is known about the images of a machine. */
export interface ImageSituation {
  readonly images: readonly StoredImage[]
  /** Images that are wanted though nothing is made from them now. */
  readonly wanted: ReadonlySet<string>
  /** When each image was last used by a module, in milliseconds since 1970; those that never were are others'. */
  readonly usedAt: ReadonlyMap<string, number>
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Which images are to be removed, in order. Never one that is used or wanted, or that no module was made from. Pure. */
export function imagesToRemove(
  { images, wanted, usedAt, now }: ImageSituation,
  { unusedFor, quota }: Required<ImageRetention>,
): readonly StoredImage[] {
  const ours = images.filter(({ id }) => usedAt.has(id))
  const age = ({ id }: StoredImage) => now - usedAt.get(id)!
  const idle = ours.filter(({ id, isUsed }) => !isUsed && !wanted.has(id)).sort((a, b) => age(b) - age(a))
  let bytes = ours.reduce((sum, image) => sum + image.bytes, 0)
  return idle.filter(image => {
    const goes = age(image) > unusedFor || bytes > quota
    if (goes) bytes -= image.bytes
    return goes
  })
}
