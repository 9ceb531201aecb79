import { isJsonObject, type PullProgress } from '@edgewright/core'
import type Dockerode from 'dockerode'
import type { RegistryCredential } from '../../manifest/deployment.js'
import { parseImageReference } from '../../manifest/image-reference.js'
import { engineError, notAvailable, statusOf } from './engine-error.js'
import { linesOf } from './lines.js'
import { PullProgressMeter } from './pull-progress.js'

/** Where an image without a registry in its name is let in. */
const DEFAULT_REGISTRY = 'https://index.docker.io/v1/'

/**
 * Fetches an image. One that is here already will do when its registry does not answer, and one that is pinned by its
 * digest is not asked for again.
 *
 * @throws `MODULE_NOT_AVAILABLE`, `ENGINE_UNAVAILABLE`
 */
export async function pullImage(
  engine: Dockerode,
  image: string,
  credentials: readonly RegistryCredential[],
  signal?: AbortSignal,
  onProgress?: (progress: PullProgress) => void,
): Promise<void> {
  const reference = parseImageReference(image)
  if (reference === undefined) throw notAvailable(image, 'it is not the name of an image')
  const isHere = (await imageId(engine, image)) !== undefined
  if (isHere && reference.digest !== undefined) return
  const { registry = DEFAULT_REGISTRY } = reference
  const credential = credentials.find(({ address }) => address.toLowerCase() === registry.toLowerCase())
  try {
    await pull(engine, image, credential, signal, onProgress)
  } catch (error) {
    signal?.throwIfAborted()
    if (!isHere) throw error
  }
}

async function pull(
  engine: Dockerode,
  image: string,
  credential: RegistryCredential | undefined,
  signal: AbortSignal | undefined,
  onProgress: ((progress: PullProgress) => void) | undefined,
): Promise<void> {
  const authconfig = credential && {
    username: credential.username,
    password: credential.password,
    serveraddress: credential.address,
  }
  const stream = await engine
    .pull(image, { ...(authconfig && { authconfig }), ...(signal && { abortSignal: signal }) })
    .catch(error => {
      throw statusOf(error) === undefined ? engineError(error, image) : notAvailable(image, reasonOf(error))
    })
  // The engine answers 200 before it begins: what goes wrong later stands in the stream.
  const meter = new PullProgressMeter()
  for await (const line of linesOf(stream)) {
    const said: unknown = JSON.parse(line)
    if (isJsonObject(said) && said.error !== undefined) throw notAvailable(image, String(said.error))
    const progress = meter.take(said)
    if (progress !== undefined) onProgress?.(progress)
  }
  if ((await imageId(engine, image)) === undefined) throw notAvailable(image, 'the transfer broke off')
}

/** The image that a reference means on this machine; undefined when it is not here. */
export async function imageId(engine: Dockerode, image: string): Promise<string | undefined> {
  try {
    return (await engine.getImage(image).inspect()).Id
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw engineError(error, image)
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error)
}
