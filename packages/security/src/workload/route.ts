import { percentDecode } from '@edgewright/protocol'
import type { ApiVersion } from './api-version.js'

/** What any module may ask for. */
export type SharedOperationName = 'trustBundle' | 'manifestTrustBundle' | 'modules'

/** What a module may ask for itself only. */
export type IdentityOperationName = 'sign' | 'encrypt' | 'decrypt' | 'serverCertificate' | 'identityCertificate'

/** What a path asks for, and on whose behalf. */
export type WorkloadRoute =
  | { readonly kind: 'shared'; readonly operation: SharedOperationName }
  | {
      readonly kind: 'identity'
      readonly operation: IdentityOperationName
      readonly moduleId: string
      /** Absent where the path has no place for it. */
      readonly generationId?: string | undefined
    }

interface SharedShape {
  readonly operation: SharedOperationName
  readonly path: string
  /** The api-version that brought it; older ones do not know it. */
  readonly since?: ApiVersion
}

const SHARED: readonly SharedShape[] = [
  { operation: 'trustBundle', path: '/trust-bundle' },
  { operation: 'manifestTrustBundle', path: '/manifest-trust-bundle', since: '2020-07-07' },
  { operation: 'modules', path: '/modules' },
]

const OF_GENERATION = /^\/modules\/([^/]+)\/genid\/([^/]+)\/(sign|encrypt|decrypt|certificate\/server)$/
const OF_MODULE = /^\/modules\/([^/]+)\/certificate\/identity$/

/** What a path asks for in an api-version; undefined when there is no such thing. Source: agent reference, section 7.3. */
export function findRoute(path: string, version: ApiVersion): WorkloadRoute | undefined {
  const shared = SHARED.find(shape => shape.path === path)
  if (shared !== undefined) {
    const { operation, since } = shared
    return since === undefined || version >= since ? { kind: 'shared', operation } : undefined
  }
  const [, moduleId, generationId, call] = OF_GENERATION.exec(path) ?? []
  if (moduleId !== undefined && generationId !== undefined) {
    const operation = call === 'certificate/server' ? 'serverCertificate' : (call as IdentityOperationName)
    return { kind: 'identity', operation, moduleId: decoded(moduleId), generationId: decoded(generationId) }
  }
  const [, holder] = OF_MODULE.exec(path) ?? []
  return holder === undefined
    ? undefined
    : { kind: 'identity', operation: 'identityCertificate', moduleId: decoded(holder) }
}

/** The C client sends ids as they are, so one that is not encoded text stands for itself. */
function decoded(segment: string): string {
  return percentDecode(segment) ?? segment
}
