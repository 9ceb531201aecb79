import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { EdgewrightError, type JsonValue } from 'edgewright'
import { controlSocketPath } from './control-server.js'

const MAX_ANSWER = 16_777_216

/**
 * Asks a running gateway.
 *
 * @param operation - `GET endpoints`, `POST dead-letters/retry`, …
 * @param name - what the operation is about
 * @param content - what it is to be done with
 * @throws `GATEWAY_NOT_RUNNING`, `GATEWAY_REFUSED`
 */
export async function askGateway(
  dataDir: string,
  operation: string,
  name = '',
  content?: JsonValue,
): Promise<JsonValue> {
  const [method, path] = operation.split(' ')
  const socketPath = controlSocketPath(dataDir)
  const outgoing = request({ socketPath, method, path: `/${path}?name=${encodeURIComponent(name)}` })
  outgoing.end(content === undefined ? undefined : JSON.stringify(content))
  let incoming: IncomingMessage
  try {
    ;[incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  } catch (cause) {
    throw new EdgewrightError('GATEWAY_NOT_RUNNING', 'No gateway runs on this data folder', {
      place: dataDir,
      remedy: 'Start one with the same --data-dir.',
      cause,
    })
  }
  const answer = JSON.parse(await readAll(incoming))
  if (incoming.statusCode === 200) return answer
  throw new EdgewrightError('GATEWAY_REFUSED', String(answer.message))
}

async function readAll(incoming: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of incoming.setEncoding('utf8')) {
    text += chunk
    if (text.length > MAX_ANSWER) throw new RangeError('The answer is too long')
  }
  return text
}
