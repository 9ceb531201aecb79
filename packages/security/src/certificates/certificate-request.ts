import { isIP } from 'node:net'
import { type CertificateRequest, EdgewrightError } from '@edgewright/core'

/** The longest common name. Source: RFC 5280, appendix A, `ub-common-name`. */
export const MAX_COMMON_NAME_LENGTH = 64

/** The most names and addresses that one certificate is made for. */
export const MAX_SUBJECT_NAMES = 100

const DNS_LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i

/** Refuses what no client would accept in a certificate, before a key is made for it. */
export function checkCertificateRequest(request: CertificateRequest): void {
  const { commonName, dnsNames = [], ipAddresses = [], uris = [], usage, validity } = request
  if (commonName.length === 0 || commonName.length > MAX_COMMON_NAME_LENGTH) {
    throw invalid(`the common name has ${commonName.length} characters`, `Give 1 to ${MAX_COMMON_NAME_LENGTH}.`)
  }
  const names = dnsNames.length + ipAddresses.length
  const all = names + uris.length
  if (all > MAX_SUBJECT_NAMES) throw invalid(`it has ${all} names`, `Give at most ${MAX_SUBJECT_NAMES}.`)
  if (usage === 'server' && names === 0) {
    throw invalid('a server needs a name or an address', 'Clients look at dnsNames and ipAddresses only.')
  }
  for (const name of dnsNames)
    if (!isDnsName(name)) throw invalid(`"${name}" is no DNS name`, 'Use letters, digits, -.')
  for (const address of ipAddresses) {
    if (isIP(address) === 0) throw invalid(`"${address}" is no IP address`, 'Names belong into dnsNames.')
  }
  for (const uri of uris) if (!URL.canParse(uri)) throw invalid(`"${uri}" is no absolute URI`, 'Begin with a scheme.')
  if (!(validity > 0)) throw invalid('its validity is not above 0', 'Give milliseconds.')
}

/** A host name, or a wildcard in the place of its first label. */
export function isDnsName(name: string): boolean {
  const labels = name.replace(/^\*\./, '').split('.')
  return name.length <= 253 && labels.every(label => DNS_LABEL.test(label))
}

function invalid(reason: string, remedy: string): EdgewrightError {
  return new EdgewrightError('CERTIFICATE_REQUEST_INVALID', `The certificate cannot be made: ${reason}`, { remedy })
}
