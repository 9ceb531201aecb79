import { request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { EdgewrightError } from '@edgewright/core'
import { NetworkFailure, networkFailure } from './failure.js'
import { openTcpDirectly, secure, type TcpOpener } from './tls-stream.js'

/**
 * Opens TCP connections through an HTTP proxy, by CONNECT.
 *
 * @param address - `http://` or `https://`, perhaps with user and password; the password never reaches an error
 * @throws `PROXY_INVALID` when the address cannot be read
 */
export function openTcpThroughProxy(address: string): TcpOpener {
  const proxy = parseProxy(address)
  const port = Number(proxy.port) || (proxy.protocol === 'https:' ? 443 : 80)
  const host = proxy.hostname.replace(/^\[(.*)\]$/, '$1')
  const headers: Record<string, string> = proxy.username === '' ? {} : { 'proxy-authorization': basic(proxy) }
  return async (targetHost, targetPort, signal) => {
    const tcp = await openTcpDirectly(host, port, signal)
    const stream = proxy.protocol === 'https:' ? await secure(tcp, { host, port }, signal) : tcp
    const authority = `${targetHost.includes(':') ? `[${targetHost}]` : targetHost}:${targetPort}`
    return tunnel(stream, authority, headers, signal)
  }
}

function parseProxy(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw new EdgewrightError('PROXY_INVALID', 'The address of the proxy cannot be used.', {
    remedy: 'Write it as http://host:port or http://user:password@host:port, with special characters percent-encoded.',
  })
}

function tunnel(
  stream: Socket,
  authority: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const options = { method: 'CONNECT', path: authority, headers: { ...headers, host: authority }, signal }
    const fail = (error: unknown) => {
      stream.on('error', () => undefined).destroy()
      reject(error)
    }
    httpRequest({ ...options, createConnection: () => stream })
      .on('connect', ({ statusCode, statusMessage }, socket: Socket, head: Buffer) => {
        if (statusCode !== 200) return fail(new NetworkFailure('proxy-refused', `${statusCode} ${statusMessage}`))
        if (head.byteLength > 0) socket.unshift(head)
        resolve(socket)
      })
      .on('response', ({ statusCode, statusMessage }) =>
        fail(new NetworkFailure('proxy-refused', `${statusCode} ${statusMessage}`)),
      )
      .on('error', error => fail(signal.aborted ? signal.reason : networkFailure(error)))
      .end()
  })
}

function basic({ username, password }: URL): string {
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return `Basic ${Buffer.from(credentials, 'utf8').toString('base64')}`
}
