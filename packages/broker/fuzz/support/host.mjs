/** A hub that takes every token but `bad`, and everything that its clients send. */
export class FuzzHost {
  #sessions = new Map()

  authenticate({ identity, token }) {
    return token === 'bad'
      ? { accepted: false, reason: 'wrong-signature', detail: 'bad' }
      : { accepted: true, identity, expiresAt: Date.now() + 3_600_000 }
  }

  async openSession({ identity, peer }) {
    const key = `${identity.deviceId}/${identity.moduleId ?? ''}`
    this.#sessions.get(key)?.close({ kind: 'taken-over' })
    const session = new FuzzSession(
      identity,
      peer,
      () => this.#sessions.get(key) === session && this.#sessions.delete(key),
    )
    this.#sessions.set(key, session)
    return { session, restored: new Set() }
  }
}

class FuzzSession {
  #peer
  #onEnd
  #hasEnded = false

  constructor(identity, peer, onEnd) {
    this.identity = identity
    this.#peer = peer
    this.#onEnd = onEnd
  }

  async send(batch) {
    if (this.#hasEnded) throw new Error('the session has ended')
    for (const { body, properties, system } of batch) {
      if (!(body instanceof Uint8Array) || !(properties instanceof Map)) throw new TypeError('not a message')
      if (system.connectionDeviceId !== undefined) throw new TypeError('a stamp of the client was believed')
    }
    await new Promise(setImmediate)
    return []
  }

  async subscribe(subscription) {
    if (subscription === 'methods') {
      const call = { name: 'go', payload: { a: 1 }, responseTimeout: 1_000, connectTimeout: 0 }
      this.#peer.method(call, AbortSignal.timeout(1_000)).catch(() => undefined)
    } else if (subscription === 'desired') {
      this.#peer.desired({ patch: { b: 2 }, version: 3 })
    } else {
      const message = { body: Buffer.from('x'), properties: new Map([['k', null]]), system: { messageId: 'm' } }
      const input = subscription === 'inputs' ? 'in' : undefined
      this.#peer.deliver([1, 2, 3].map(() => ({ message, input, redelivered: true, settle: () => undefined })))
    }
  }

  async unsubscribe() {}

  async getTwin() {
    return { desired: { properties: {}, version: 1 }, reported: { properties: {}, version: 1 } }
  }

  async report() {
    return 2
  }

  close(end) {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#onEnd()
    if (end.kind !== 'client-left') this.#peer.close(end)
  }
}
