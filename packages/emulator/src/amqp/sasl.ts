import type { Identity } from '@edgewright/core'
import type { Authority } from '../state/authority.js'
import type { AmqpConnection } from './connection.js'
import type { Container } from './rhea.js'

/**
 * Offers what device, service and Event Hubs clients use: ANONYMOUS and MSSBCBS (credentials follow on `$cbs`),
 * EXTERNAL (a certificate, judged at attach) and PLAIN (a token as password). No SASL layer at all is accepted too.
 */
export function offerMechanisms(container: Container, connection: AmqpConnection, authority: Authority): void {
  const mechanisms = container.sasl_server_mechanisms as Record<string, unknown> & { enable_anonymous(): void }
  mechanisms.enable_anonymous()
  for (const name of ['MSSBCBS', 'EXTERNAL']) mechanisms[name] = () => new Welcome()
  mechanisms.PLAIN = () => new Plain(connection, authority)
}

/** A mechanism that lets everybody pass: what counts comes later. */
class Welcome {
  outcome: boolean | undefined
  username: string | undefined

  start(): void {
    this.outcome = true
  }
}

/** User name and token in one. Source: wire reference 3.1. */
class Plain {
  outcome: boolean | undefined
  username: string | undefined
  readonly #connection: AmqpConnection
  readonly #authority: Authority

  constructor(connection: AmqpConnection, authority: Authority) {
    this.#connection = connection
    this.#authority = authority
  }

  start(response: Buffer): void {
    const [, user = '', password = ''] = response.toString('utf8').split('\0')
    const claimed = claimedBy(user)
    const principal = this.#authority.token(password, claimed)
    this.outcome = principal.kind !== 'refused' && this.#connection.prove(principal)
    this.username = user
  }
}

/** `{d}@sas.{hub}` and `{d}/modules/{m}@sas.{hub}` name an identity, `{policy}@sas.root.{hub}` none. */
function claimedBy(user: string): Identity | undefined {
  const at = user.lastIndexOf('@sas.')
  if (at < 0 || user.startsWith('@sas.root.', at)) return undefined
  const [deviceId = '', moduleId] = user.slice(0, at).split('/modules/')
  return moduleId === undefined ? { deviceId } : { deviceId, moduleId }
}
