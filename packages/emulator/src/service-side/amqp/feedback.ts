import { encodeAmqpMessage, parseLinkAddress, Refusal, timestamp } from '@edgewright/protocol'
import type { LinkService } from '../../amqp/links.js'
import type { OutgoingLink } from '../../amqp/outgoing-link.js'
import type { Feedback } from '../../state/feedback.js'
import type { HubState } from '../../state/hub-state.js'

const FEEDBACK_TYPE = 'application/vnd.microsoft.iothub.feedback.json'
const FILE_NOTIFICATIONS = '/messages/servicebound/filenotifications'

/** What feedback links need beside the state. */
export interface FeedbackOptions {
  readonly state: HubState
  readonly hubName: string
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** What became of cloud-to-device messages: a batch as soon as there is something, consumed when it is accepted. */
export function feedbackService(options: FeedbackOptions): LinkService {
  const { feedback } = options.state
  return {
    outgoing({ address, connection, link }) {
      const target = parseLinkAddress(address)
      if (target instanceof Refusal || target.kind !== 'feedback') return undefined
      const principal = connection.require('ServiceConnect')
      const unsettled = new Set<readonly Feedback[]>()
      const ready = () => send(link, unsettled, options)
      const stop = feedback.watch(ready)
      return {
        principal,
        ready,
        closed() {
          stop()
          for (const batch of unsettled) feedback.giveBack(batch)
        },
      }
    },
  }
}

/** Notifications of file uploads: the emulator takes no files, so there is never one. */
export function fileNotificationService(): LinkService {
  return {
    outgoing({ path, connection }) {
      if (path.toLowerCase() !== FILE_NOTIFICATIONS) return undefined
      return { principal: connection.require('ServiceConnect'), ready: () => undefined }
    },
  }
}

function send(link: OutgoingLink, unsettled: Set<readonly Feedback[]>, { state, hubName, now }: FeedbackOptions): void {
  while (link.room > 0) {
    const batch = state.feedback.take()
    if (batch.length === 0) return
    unsettled.add(batch)
    const message = encodeAmqpMessage({
      user_id: hubName,
      content_type: FEEDBACK_TYPE,
      message_annotations: { 'iothub-enqueuedtime': timestamp(now()) },
      body: Buffer.from(JSON.stringify(batch.map(feedbackJson)), 'utf8'),
    })
    link.send(message, {
      settled(outcome) {
        unsettled.delete(batch)
        if (outcome === 'released') state.feedback.giveBack(batch)
      },
    })
  }
}

function feedbackJson({ originalMessageId, identity, generationId, statusCode, enqueuedTime }: Feedback) {
  return {
    originalMessageId,
    description: statusCode,
    statusCode,
    deviceId: identity.deviceId,
    deviceGenerationId: generationId,
    enqueuedTimeUtc: new Date(enqueuedTime).toISOString(),
  }
}
