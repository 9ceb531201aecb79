import type { ClientPeer, HubSession } from './hub-session.js'

/** What a runtime that runs modules inside the program needs of the hub: the same session that a front-end would hold. */
export interface ModuleHost {
  /**
   * Opens the session of a module of this device, with nothing subscribed. An older session of the same module is
   * taken over, as with any client.
   *
   * @throws `NOT_RUNNING`, `CLIENT_LIMIT`
   */
  connect(moduleId: string, peer: ClientPeer): Promise<HubSession>
}
