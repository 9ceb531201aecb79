import type { SharedOperation } from './operation.js'
import { notFound } from './answer.js'

/** What modules must trust, raw PEM although the schema says Base64. */
export const trustBundle: SharedOperation = async (_call, { issuer, trust }) => {
  const certificate = distinct(`${issuer.trustBundle}\n${trust.additionalTrust ?? ''}`)
  if (certificate === '') throw notFound()
  return { status: 200, json: { certificate } }
}

/** What deployments may be signed with; empty when there is nothing. */
export const manifestTrustBundle: SharedOperation = async (_call, { trust }) => ({
  status: 200,
  json: { certificate: distinct(trust.manifestTrustBundle ?? '') },
})

/** Every certificate of PEM text once. */
function distinct(pem: string): string {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return [...new Set(blocks)].map(block => `${block}\n`).join('')
}
