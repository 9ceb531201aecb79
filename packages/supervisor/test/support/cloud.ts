import { EventEmitter } from 'node:events'
import {
  applyMergePatch,
  type CloudHandlers,
  type CloudSession,
  EdgewrightError,
  type JsonObject,
  type Sealer,
  type Twin,
} from '@edgewright/core'

/** A cloud in memory, in place of the upstream: one twin, a link that can be cut. */
export class Cloud extends EventEmitter {
  isOnline = true
  /** Whether calls get no answer. */
  isStuck = false
  desired: Twin['desired'] = { properties: {}, version: 1 }
  reported: JsonObject = {}
  readonly patches: JsonObject[] = []
  handlers: CloudHandlers = {}

  session(): CloudSession {
    const reach = async () => {
      if (this.isStuck) await new Promise(() => undefined)
      if (!this.isOnline) throw new EdgewrightError('UPSTREAM_OFFLINE', 'offline')
    }
    return {
      identity: { deviceId: 'press-7', moduleId: '$edgeAgent' },
      send: async () => [],
      getTwin: async () => {
        await reach()
        return { desired: this.desired, reported: { properties: { ...this.reported, $version: 1 }, version: 1 } }
      },
      report: async patch => {
        await reach()
        this.patches.push(patch)
        this.reported = applyMergePatch(this.reported, patch)
        this.emit('reported')
        return this.patches.length
      },
      handle: handlers => {
        this.handlers = handlers
      },
      close: async () => undefined,
    }
  }

  deploy(properties: JsonObject): void {
    this.desired = { properties, version: this.desired.version + 1 }
  }

  cut(isCut: boolean): void {
    this.isOnline = !isCut
    this.emit('connectivity', { type: isCut ? 'offline' : 'online', since: 0, reason: 'cut' })
  }
}

/** Makes values unreadable, as far as a test can tell. */
export const sealer: Sealer = {
  seal: value => value.map(byte => byte ^ 0x55),
  unseal: value => value.map(byte => byte ^ 0x55),
}
