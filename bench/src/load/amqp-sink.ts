import type { TLSSocket } from 'node:tls'
import { createServer } from 'node:tls'
import rhea, { type Connection, type EventContext, type Sender } from 'rhea'

// A hub that takes every token and every message, and keeps nothing: rhea, as bare as it can be. Over TLS, with the key
// and certificate given as arguments.
const [key, cert] = process.argv.slice(2)
const server = createServer({ key, cert }, serve)
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as { port: number }).port }))
process.on('SIGTERM', () => process.exit(0))

function serve(socket: TLSSocket): void {
  const container = rhea.create_container({ receiver_options: { credit_window: 0 } })
  const replies = new Map<unknown, Sender>()
  const connection = container.create_connection({ max_frame_size: 65_536, channel_max: 65_535 } as never)
  for (const event of ['error', 'protocol_error', 'disconnected']) connection.on(event, () => undefined)
  connection.on('sender_open', ({ sender, session }: EventContext) => {
    sender!.set_source(sender!.source)
    replies.set(session, sender!)
  })
  connection.on('receiver_open', ({ receiver, session }: EventContext) => {
    receiver!.set_target(receiver!.target)
    const isTokenNode = receiver!.target.address === '$cbs'
    let taken = 0
    receiver!.on('message', ({ message }: EventContext) => {
      if (isTokenNode) {
        const answer = { 'status-code': 200, 'status-description': 'OK' }
        replies.get(session)?.send({ correlation_id: message!.message_id, application_properties: answer, body: '' })
      }
      if (++taken % TOP_UP === 0) receiver!.add_credit(TOP_UP)
    })
    receiver!.add_credit(CREDIT)
  })
  ;(connection as Connection & { accept(socket: TLSSocket): void }).accept(socket.setNoDelay(true))
}

const CREDIT = 1_000
const TOP_UP = 100
