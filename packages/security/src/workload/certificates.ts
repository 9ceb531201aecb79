import { isIP } from 'node:net'
import { type CertificateRequest, EdgewrightError, type JsonValue } from '@edgewright/core'
import { percentEncode } from '@edgewright/protocol'
import { isDnsName } from '../certificates/certificate-request.js'
import { forbidden, type WorkloadAnswer, WorkloadRefusal } from './answer.js'
import { textField } from './fields.js'
import type { IdentityOperation, OperationComponents } from './operation.js'
import { coversReserved } from './reserved-names.js'

/** How long a module's certificate lasts: 30 days, in milliseconds. What the request asks for is not read. */
const VALIDITY = 2_592_000_000

/** A server certificate for the name that the module asks for, and for its own. */
export const serverCertificate: IdentityOperation = async ({ body, moduleId, signal }, parts) => {
  const commonName = textField(body, 'commonName')
  const ownName = moduleId.replace(/^\$/, '')
  const isAddress = isIP(commonName) !== 0
  const dnsNames = [...(isAddress ? [] : [commonName]), ...(isDnsName(ownName) ? [ownName] : [])]
  const ipAddresses = isAddress ? [commonName] : []
  const { reservedNames = [] } = parts.trust
  if ([...dnsNames, ...ipAddresses].some(name => coversReserved(name, reservedNames))) throw forbidden()
  return await issue(parts, { commonName, dnsNames: [...new Set(dnsNames)], ipAddresses, usage: 'server' }, signal)
}

/**
 * A client certificate that says which module of which device this is. The original writes the URI into a DNS name,
 * where nothing can match it; here it is a URI.
 */
export const identityCertificate: IdentityOperation = async ({ moduleId, signal }, parts) => {
  const { hubHostName, deviceId } = parts.device
  const uri = `azureiot://${hubHostName}/devices/${percentEncode(deviceId)}/modules/${percentEncode(moduleId)}`
  return await issue(parts, { commonName: moduleId, uris: [uri], usage: 'client' }, signal)
}

async function issue(
  { issuer }: OperationComponents,
  request: Omit<CertificateRequest, 'validity'>,
  signal: AbortSignal,
): Promise<WorkloadAnswer> {
  try {
    const { chain, privateKey, expiresAt } = await issuer.issue({ ...request, validity: VALIDITY }, signal)
    const json: JsonValue = {
      privateKey: { type: 'key', bytes: privateKey },
      certificate: chain,
      expiration: rfc3339(expiresAt),
    }
    return { status: 201, json }
  } catch (error) {
    if (EdgewrightError.is(error, 'CERTIFICATE_REQUEST_INVALID')) throw new WorkloadRefusal(400, error.message, error)
    throw error
  }
}

/** Whole seconds, with the offset written as the original writes it. */
function rfc3339(time: number): string {
  return new Date(time).toISOString().replace(/\.\d+Z$/, '+00:00')
}
