import { request } from 'node:https'
import type { TestEmulator } from './emulator.js'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever JSON came
  readonly json: any
}

/** One HTTPS request to an emulator. */
export function call(
  { emulator, ca }: TestEmulator,
  method: string,
  path: string,
  { token, body, headers = {} }: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const authorization = token === undefined ? {} : { authorization: token }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: emulator.address, port: emulator.ports.https, servername: '', ca, method, path, agent: false },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            json: text === '' ? undefined : JSON.parse(text),
          })
        })
      },
    )
    for (const [name, value] of Object.entries({ ...authorization, ...headers })) outgoing.setHeader(name, value)
    outgoing.on('error', reject)
    outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
