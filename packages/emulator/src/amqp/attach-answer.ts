import type { LinkInternals, Receiver, Sender } from './rhea.js'

/** Both termini must stand in the answer to an attach, and the settle modes be those the peer asked for. */
export function echoAttach(link: Receiver | Sender): void {
  link.set_source(link.source ?? { address: '' })
  link.set_target(link.target ?? { address: '' })
  const { attach } = (link as (Receiver | Sender) & LinkInternals).local
  attach.snd_settle_mode = link.snd_settle_mode
  attach.rcv_settle_mode = link.rcv_settle_mode
}

/** The path of an address, of a full URI too, with a leading slash. */
export function pathOf(address: string): string {
  const path = address.replace(/^amqps?:\/\/[^/]*/i, '')
  return path.startsWith('/') ? path : `/${path}`
}
