import { type CloudHandlers, describeError, type Identity, identityKey, type Logger } from '@edgewright/core'

/** The same handlers, but what they throw is logged and goes no further: the link is not theirs to break. */
export function guardedHandlers(handlers: CloudHandlers, identity: Identity, logger: Logger): CloudHandlers {
  const guard = <A extends readonly unknown[]>(name: string, handler: ((...args: A) => void) | undefined) =>
    handler &&
    ((...args: A) => {
      try {
        handler(...args)
      } catch (error) {
        const fields = { identity: identityKey(identity), handler: name, error: describeError(error) }
        logger.log('error', 'a handler of what the cloud sends failed', fields)
      }
    })
  const { method } = handlers
  return {
    desired: guard('desired', handlers.desired),
    command: guard('command', handlers.command),
    listening: guard('listening', handlers.listening),
    method: method && (async (request, signal) => method(request, signal)),
  }
}
