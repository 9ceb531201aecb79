import { request } from 'node:http'

/** What came back. */
export interface WorkloadReply {
  readonly status: number
  readonly type: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever JSON came
  readonly json: any
}

/** What a call of a test may differ in. */
export interface WorkloadCallOptions {
  /** Sent as JSON; text and bytes are sent as they are. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** @default '2018-06-28' */
  readonly version?: string | undefined
}

/** One call of the workload API at a `unix:` or `http:` URI; rejects when the connection is dropped. */
export function callWorkload(
  uri: string,
  method: string,
  path: string,
  { body, headers = {}, version = '2018-06-28' }: WorkloadCallOptions = {},
): Promise<WorkloadReply> {
  const url = new URL(uri)
  const where = url.protocol === 'unix:' ? { socketPath: url.pathname } : { host: url.hostname, port: url.port }
  const search = path.includes('?') ? '' : `?api-version=${version}`
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...where, path: path + search, method, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        const type = response.headers['content-type']
        resolve({ status: response.statusCode!, type, json: text === '' ? undefined : JSON.parse(text) })
      })
    })
    const isJson = body !== undefined && typeof body !== 'string' && !Buffer.isBuffer(body)
    if (isJson) outgoing.setHeader('content-type', 'application/json')
    for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value)
    outgoing.on('error', reject)
    outgoing.end(isJson ? JSON.stringify(body) : body)
  })
}
