import { EdgewrightError } from '@edgewright/core'

/** What a file system says when it has no room. */
const FULL_CODES: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** The refusal of a change that the medium did not take, or of a read that it did not give. */
export function mediumError(cause: unknown, place: string): EdgewrightError {
  if (FULL_CODES.has((cause as NodeJS.ErrnoException | undefined)?.code)) return mediumFull(place, cause)
  const text = cause instanceof Error ? cause.message : String(cause)
  return new EdgewrightError('STORE_FAILED', `The medium failed: ${text}`, {
    place,
    remedy: 'Check the medium; the store goes on trying with each change.',
    cause,
  })
}

export function mediumFull(place: string, cause?: unknown): EdgewrightError {
  return new EdgewrightError('STORE_FULL', 'The medium is full', {
    place,
    remedy: 'Make room on the file system, or wait until what waits is delivered.',
    cause,
  })
}

export function quotaReached(place: string, bytes: number, quota: number): EdgewrightError {
  return new EdgewrightError('STORE_FULL', `The store holds ${bytes} of ${quota} bytes`, {
    place,
    remedy: 'Raise the quota, or wait until what waits is delivered.',
  })
}
