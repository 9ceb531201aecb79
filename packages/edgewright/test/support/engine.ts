import { once } from 'node:events'
import { request } from 'node:http'
import type { Readable } from 'node:stream'
import { json } from 'node:stream/consumers'

const SOCKET = '/var/run/docker.sock'

/** One call of the engine's API. @throws with what the engine says, unless the status is one of these */
export async function engine<T>(
  method: string,
  path: string,
  body?: object | Readable,
  accept: number[] = [],
): Promise<T> {
  const isStream = body !== undefined && 'pipe' in body
  const type = isStream ? 'application/x-tar' : 'application/json'
  const outgoing = request({ socketPath: SOCKET, method, path, headers: { 'content-type': type } })
  if (isStream) body.pipe(outgoing)
  else outgoing.end(body && JSON.stringify(body))
  const [response] = await once(outgoing, 'response')
  const isJson = response.headers['content-type'] === 'application/json' && response.statusCode !== 204
  if (response.statusCode >= 400 && !accept.includes(response.statusCode)) {
    throw new Error(`${method} ${path}: ${JSON.stringify(await json(response).catch(() => undefined))}`)
  }
  if (isJson && !isStream) return (await json(response)) as T
  for await (const _ of response);
  return undefined as T
}

/** Why tests with an engine are left out; undefined when there is one. */
export async function engineMissing(): Promise<string | undefined> {
  return await engine('GET', '/_ping').then(
    () => undefined,
    () => 'no Docker Engine answers',
  )
}

/** A bridge network of one test. @returns the address of the host on it */
export async function makeNetwork(name: string): Promise<string> {
  await engine('POST', '/networks/create', { Name: name, Driver: 'bridge', CheckDuplicate: true })
  const { IPAM } = await engine<{ IPAM: { Config: { Gateway: string }[] } }>('GET', `/networks/${name}`)
  return IPAM.Config[0]!.Gateway
}

/** Removes containers and the network that they are on. */
export async function removeNetwork(name: string, containers: readonly string[]): Promise<void> {
  for (const container of containers) await engine('DELETE', `/containers/${container}?force=1`, undefined, [404, 409])
  await engine('DELETE', `/networks/${name}`, undefined, [404])
}

/** The id that the engine gave a container. */
export async function containerId(name: string): Promise<string> {
  return (await engine<{ Id: string }>('GET', `/containers/${name}/json`)).Id
}
