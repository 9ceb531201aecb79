import type { EventContext, Receiver, Sender } from 'rhea'

/** What a peer says when it ends a link or session, or refuses a message. */
export class AmqpRefusal extends Error {
  constructor(
    /** `amqp:…` or `com.microsoft:…`; absent when the peer gave none. */
    readonly condition: string | undefined,
    description: string | undefined,
  ) {
    super([condition ?? 'closed without a reason', description].filter(part => part).join(': '))
    this.name = 'AmqpRefusal'
  }

  /** From what rhea keeps of the peer's error. */
  static from(error: unknown): AmqpRefusal {
    const { condition, description } = (error ?? {}) as { condition?: unknown; description?: unknown }
    return new AmqpRefusal(text(condition), text(description))
  }
}

/**
 * Resolves when the peer has attached a link with a terminus. A null terminus announces the refusal that follows it.
 *
 * @throws AmqpRefusal, or the signal's reason
 */
export function opened(link: Sender | Receiver, signal: AbortSignal): Promise<void> {
  const role = link.is_receiver() ? 'receiver' : 'sender'
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => {
      link.off(`${role}_open`, onOpen).off(`${role}_close`, onClose)
      signal.removeEventListener('abort', onAbort)
      end()
    }
    const onOpen = () => {
      const { source, target } = link as unknown as { readonly source?: unknown; readonly target?: unknown }
      if ((role === 'receiver' ? source : target) != null) finish(resolve)
    }
    const onClose = (context: EventContext) => {
      const closed = role === 'receiver' ? context.receiver : context.sender
      finish(() => reject(AmqpRefusal.from(closed?.error)))
    }
    const onAbort = () => finish(() => reject(signal.reason))
    if (signal.aborted) return onAbort()
    link.on(`${role}_open`, onOpen).on(`${role}_close`, onClose)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

function text(value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : String(value)
}
