import type { IncomingHttpHeaders } from 'node:http'
import type { Principal } from '../state/authority.js'

/** What a handler is given: everything is read and authenticated by then. */
export interface HttpRequest {
  readonly method: string
  /** Decoded segments of the path that the route names with braces. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** What a handler gives. */
export interface HttpResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sent as JSON; absent for none. */
  readonly json?: unknown
  readonly body?: Uint8Array | undefined
}

/** Whether somebody may use a route; the parameters are those of the path. */
export type RouteGuard = (principal: Principal, params: Readonly<Record<string, string>>) => boolean

/** One method on one path. */
export interface Route {
  readonly method: string
  /** Segments by `/`; `{name}` takes any one segment. Words are compared without case. */
  readonly path: string
  /** `control`: whoever is on this machine, without a token, and the owner of the hub; faults do not touch it. */
  readonly guard: RouteGuard | 'control'
  readonly handle: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>
}

/** A route that fits, with what its braces took. */
export interface RouteMatch {
  readonly route: Route
  readonly params: Readonly<Record<string, string>>
}

/** Finds the route of a method and an undecoded path; the first that fits. A slash at the end counts for nothing. */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch | undefined {
  const segments = path.replace(/\/$/, '').split('/')
  for (const route of routes) {
    if (route.method !== method) continue
    const params = matchSegments(route.path.split('/'), segments)
    if (params !== undefined) return { route, params }
  }
  return undefined
}

function matchSegments(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = decode(segments[index] as string)
    if (segment === undefined) return undefined
    if (!part.startsWith('{')) {
      if (part.toLowerCase() !== segment.toLowerCase()) return undefined
    } else {
      if (segment === '') return undefined
      params[part.slice(1, -1)] = segment
    }
  }
  return params
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
