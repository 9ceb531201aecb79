import { isJsonObject, type PullProgress } from '@edgewright/core'

/** Sums up what the engine says of each layer that it fetches. */
export class PullProgressMeter {
  readonly #layers = new Map<string, { done: number; total: number }>()
  #percent = -1

  /** Takes a line of the engine. @returns how far it has come, when that is another percent than before */
  take(line: unknown): PullProgress | undefined {
    if (!isJsonObject(line) || typeof line.id !== 'string') return undefined
    const { current, total } = isJsonObject(line.progressDetail) ? line.progressDetail : {}
    const layer = this.#layers.get(line.id)
    if (line.status === 'Downloading' && typeof current === 'number' && typeof total === 'number' && total > 0) {
      this.#layers.set(line.id, { done: Math.min(current, total), total })
    } else if (layer !== undefined && line.status === 'Download complete') layer.done = layer.total
    return this.#sum()
  }

  #sum(): PullProgress | undefined {
    let [doneBytes, totalBytes] = [0, 0]
    for (const { done, total } of this.#layers.values()) {
      doneBytes += done
      totalBytes += total
    }
    const percent = totalBytes === 0 ? -1 : Math.floor((doneBytes / totalBytes) * 100)
    if (percent === this.#percent) return undefined
    this.#percent = percent
    return { doneBytes, totalBytes }
  }
}
