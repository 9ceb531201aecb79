import { describeError, isJsonObject, type MethodRequest, type MethodResponse } from '@edgewright/core'
import type { StoredIdentityDirectory } from '../identities/stored-directory.js'

/** Answers direct methods of `$edgeHub`. Source: hub reference, section 3.4. */
export async function answerOwnMethod(
  { name, payload }: MethodRequest,
  directory: StoredIdentityDirectory,
): Promise<MethodResponse> {
  if (name !== 'RefreshDeviceScopeIdentityCache') {
    return { status: 404, payload: { message: `There is no method ${name}` } }
  }
  const ids = isJsonObject(payload) ? payload.deviceIds : undefined
  if (!Array.isArray(ids) || !ids.every(id => typeof id === 'string' && id !== '')) {
    return { status: 400, payload: { message: 'deviceIds is not a list of device ids' } }
  }
  try {
    for (const id of ids) await directory.refreshDevice(id as string)
    return { status: 200 }
  } catch (error) {
    return { status: 500, payload: { message: describeError(error) } }
  }
}
