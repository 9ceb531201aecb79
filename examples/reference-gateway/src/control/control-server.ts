import { once } from 'node:events'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { join } from 'node:path'
import {
  type CertificateStatus,
  type DeadLetter,
  describeError,
  type EdgeAgent,
  EdgewrightError,
  type Gateway,
  isJsonObject,
  type JsonValue,
  ManifestError,
  type Plan,
} from 'edgewright'
import { manifestInvalid } from '../commands/deploy.js'

/** The socket in a gateway's data folder that its own command line talks to. */
export function controlSocketPath(dataDir: string): string {
  return join(dataDir, 'control.sock')
}

/** What can be asked of a running gateway: `METHOD /path/…` to what it answers. */
type Operation = (gateway: Gateway, name: string, content: JsonValue) => Promise<unknown>

const OPERATIONS: Readonly<Record<string, Operation>> = {
  'GET status': async gateway => gateway.status(),
  'GET modules': async gateway => gateway.status().modules,
  'POST modules/restart': async (gateway, name) => gateway.supervisor?.restart(name),
  'POST deployment': async (gateway, _, content) => deploy(gateway, content),
  'POST deployment/plan': async (gateway, _, content) => finite(agentOf(gateway).preview(content)),
  'GET certificates': async gateway => gateway.status().certificates.map(readableTimes),
  'GET endpoints': async gateway => gateway.hub.endpoints(),
  'POST endpoints/purge': async (gateway, endpoint) => ({ purged: await gateway.hub.purge(endpoint) }),
  'GET dead-letters': async gateway => listLetters(gateway),
  'GET dead-letters/show': async (gateway, key) => readable(await gateway.hub.deadLetters.show(key)),
  'POST dead-letters/retry': async (gateway, key) => gateway.hub.retryDeadLetter(key),
  'POST dead-letters/drop': async (gateway, key) => gateway.hub.deadLetters.drop(key),
}

/** Bytes of a document that is sent to a gateway. */
const MAX_CONTENT = 4_194_304

/** Letters that one listing shows. */
const MOST_LISTED = 1_000

/** Answers the gateway's own command line, on a socket that only this user can open. */
export async function startControlServer(gateway: Gateway, dataDir: string): Promise<{ stop(): Promise<void> }> {
  const path = controlSocketPath(dataDir)
  await rm(path, { force: true })
  const server = createServer((request, response) => {
    answer(gateway, request).then(
      ([status, content]) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(content ?? null))
      },
      () => response.destroy(),
    )
  })
  server.listen(path)
  await once(server, 'listening')
  await chmod(path, 0o600)
  return { stop: () => close(server) }
}

async function answer(gateway: Gateway, request: IncomingMessage): Promise<[number, unknown]> {
  const { method, url = '/' } = request
  const { pathname, searchParams } = new URL(url, 'http://control')
  const operation = OPERATIONS[`${method} ${pathname.slice(1)}`]
  if (operation === undefined) return [404, { message: 'There is no such operation.' }]
  try {
    return [200, await operation(gateway, searchParams.get('name') ?? '', await contentOf(request))]
  } catch (error) {
    const told = error instanceof ManifestError ? manifestInvalid(error) : error
    return [EdgewrightError.is(told) ? 400 : 500, { message: describeError(told) }]
  }
}

async function contentOf(request: IncomingMessage): Promise<JsonValue> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > MAX_CONTENT) throw new RangeError('What is sent is too long')
    chunks.push(chunk)
  }
  return size === 0 ? null : JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

async function deploy(gateway: Gateway, content: JsonValue): Promise<void> {
  if (isJsonObject(content)) await agentOf(gateway).deploy(content)
}

function agentOf({ agent }: Gateway): EdgeAgent {
  if (agent !== undefined) return agent
  throw new EdgewrightError('NOT_RUNNING', 'This gateway runs no modules')
}

/** JSON has no infinite times. */
function finite({ due, later }: Plan) {
  const timeless = ({ at: _, ...module }: Plan['due'][number]) => module
  return { due: due.map(timeless), later: later.map(timeless) }
}

async function listLetters({ hub }: Gateway): Promise<unknown[]> {
  const letters: unknown[] = []
  for await (const { key, endpoint, reason, at } of hub.deadLetters.list()) {
    letters.push({ key, endpoint, reason, at: new Date(at).toISOString() })
    if (letters.length >= MOST_LISTED) break
  }
  return letters
}

function readableTimes({ notBefore, expiresAt, renewsAt, ...certificate }: CertificateStatus) {
  const time = (at: number | undefined) => (at === undefined ? undefined : new Date(at).toISOString())
  return { ...certificate, notBefore: time(notBefore), expiresAt: time(expiresAt), renewsAt: time(renewsAt) }
}

function readable({ message, at, ...letter }: DeadLetter) {
  return {
    ...letter,
    at: new Date(at).toISOString(),
    message: message && {
      system: message.system,
      properties: Object.fromEntries(message.properties),
      body: Buffer.from(message.body).toString('utf8'),
    },
  }
}

async function close(server: Server): Promise<void> {
  if (!server.listening) return
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}
