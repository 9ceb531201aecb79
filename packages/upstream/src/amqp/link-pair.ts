import { randomUUID } from 'node:crypto'
import type { EdgewrightError } from '@edgewright/core'
import type { Receiver, Sender } from 'rhea'
import { detach, type LinkHost, type OnLinkClosed } from './link-host.js'

/** A sender and a receiver that belong together: without the one, the other is of no use. */
export interface LinkPair {
  readonly sender: Sender
  readonly receiver: Receiver
  close(): void
}

/**
 * Attaches the two links of a twin or of method calls, at most once each way, joined by their correlation id.
 *
 * @param onClosed - told once, when the peer closed either; the other is closed then
 * @throws as `CloudSession`
 */
export async function attachPair(host: LinkHost, kind: 'twin' | 'methods', onClosed: OnLinkClosed): Promise<LinkPair> {
  const options = {
    snd_settle_mode: 1 as const,
    rcv_settle_mode: 0 as const,
    properties: { 'com.microsoft:channel-correlation-id': `${kind}:${randomUUID()}` },
  }
  const links: (Sender | Receiver)[] = []
  let lost: EdgewrightError | undefined
  let open = false
  const close = () => {
    for (const link of links) if (link.is_open()) detach(link)
  }
  const closed: OnLinkClosed = error => {
    if (lost !== undefined) return
    lost = error
    close()
    if (open) onClosed(error)
  }
  const kept = <L extends Sender | Receiver>(link: L): L => {
    links.push(link)
    return link
  }
  try {
    const [sender, receiver] = await Promise.all([
      host.attachSender(kind, options, closed).then(kept),
      host.attachReceiver(kind, options, closed).then(kept),
    ])
    if (lost !== undefined) throw lost
    open = true
    return { sender, receiver, close }
  } catch (error) {
    close()
    throw error
  }
}
