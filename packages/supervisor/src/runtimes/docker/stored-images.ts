import type Dockerode from 'dockerode'
import type { StoredImage } from '../../images/images-to-remove.js'
import { engineError, statusOf } from './engine-error.js'

/** Every image of the engine, and whether a container of anybody is made from it. */
export async function storedImages(engine: Dockerode, signal?: AbortSignal): Promise<readonly StoredImage[]> {
  const abort = { ...(signal && { abortSignal: signal }) }
  const used = new Set((await engine.listContainers({ all: true, ...abort })).map(({ ImageID }) => ImageID))
  const images = await engine.listImages(abort)
  return images.map(({ Id: id, Size: bytes }) => ({ id, bytes, isUsed: used.has(id) }))
}

/**
 * Removes an image with all its names; the engine refuses for one that a container is made from.
 *
 * @throws `ENGINE_REFUSED`, `ENGINE_UNAVAILABLE`
 */
export async function removeImage(engine: Dockerode, id: string, signal?: AbortSignal): Promise<void> {
  const abort = { ...(signal && { abortSignal: signal }) }
  const isGone = (error: unknown): undefined => {
    if (statusOf(error) !== 404) throw engineError(error, id)
  }
  const image = await engine.getImage(id).inspect().catch(isGone)
  // Name by name, because by its id one of several names would only go by force.
  for (const name of [...(image?.RepoTags ?? []), ...(image?.RepoDigests ?? []), id]) {
    await engine.getImage(name).remove(abort).catch(isGone)
  }
}
