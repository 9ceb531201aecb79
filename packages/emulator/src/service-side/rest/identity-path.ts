import type { Identity } from '@edgewright/core'
import type { HttpRequest } from '../../http/router.js'

/** The device or module that a path names with `{d}` and `{m}`. */
export function identityOf({ d: deviceId = '', m: moduleId }: HttpRequest['params']): Identity {
  return moduleId === undefined ? { deviceId } : { deviceId, moduleId }
}
