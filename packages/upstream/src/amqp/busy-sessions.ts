import type { Connection, Session } from 'rhea'

/**
 * Has a connection look after those of its sessions only that have something to do.
 *
 * rhea goes through all sessions and links of a connection each time one of them has sent or received, which is what a
 * connection of a thousand identities spends most of its time with. Whatever gives a session something to do asks the
 * session's connection for a turn; so each session gets a stand-in for the connection, which takes down who asked.
 */
export function attendBusySessions(connection: Connection): void {
  const inner = connection as unknown as ConnectionInternals
  const create = inner.create_session.bind(inner)
  let busy = new Set<SessionInternals>()
  inner.create_session = size => {
    const session = create(size)
    const turn = () => {
      busy.add(session)
      inner._register()
    }
    session.connection = Object.assign(Object.create(inner), {
      _register: turn,
      // What these change belongs to the connection itself.
      _write_frame: inner._write_frame.bind(inner),
      dispatch: inner.dispatch.bind(inner),
    })
    // A transfer that is settled already asks for nothing, but the peer must hear that there is room for more.
    const take = session.on_transfer.bind(session)
    session.on_transfer = frame => {
      take(frame)
      turn()
    }
    return session
  }
  inner._process = () => {
    inner.registered = false
    do {
      if (inner.state.need_open()) inner._write_open()
      const now = busy
      busy = new Set()
      for (const session of now) session._process()
      if (inner.state.need_close()) inner._write_close()
    } while (!inner.state.has_settled())
  }
}

/** What rhea does not say of its connections. */
interface ConnectionInternals {
  registered: boolean
  readonly state: { need_open(): boolean; need_close(): boolean; has_settled(): boolean }
  create_session: (size?: number) => SessionInternals
  _process: () => void
  _register(): void
  _write_open(): void
  _write_close(): void
  _write_frame(...frame: unknown[]): void
  dispatch(...event: unknown[]): boolean
}

/** What rhea does not say of its sessions. */
interface SessionInternals extends Omit<Session, 'connection'> {
  connection: object
  on_transfer: (frame: unknown) => void
  _process(): void
}
