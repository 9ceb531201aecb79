import { EventHubConsumerClient, earliestEventPosition, latestEventPosition } from '@azure/event-hubs'
import { WebSocket } from 'ws'

const say = value => console.log(JSON.stringify(value))
const connectionString = process.env.CONNECTION_STRING
const options = process.env.TRANSPORT === 'WebSocket' ? { webSocketOptions: { webSocket: WebSocket } } : {}
const client = new EventHubConsumerClient('$Default', connectionString, options)

const { name, partitionIds } = await client.getEventHubProperties()
say({ hub: [name, partitionIds] })
const partition = process.env.PARTITION
const { lastEnqueuedSequenceNumber, isEmpty } = await client.getPartitionProperties(partition)
say({ partition: [lastEnqueuedSequenceNumber, isEmpty] })

/** Reads so many events from a position, then goes away. */
function read(from, count, more = {}) {
  const events = []
  return new Promise((resolve, reject) => {
    const subscription = client.subscribe(
      partition,
      {
        async processEvents(batch, context) {
          events.push(...batch)
          if (events.length < count) return
          await subscription.close()
          resolve({ events, last: context.lastEnqueuedEventProperties })
        },
        processError: async error => reject(error),
      },
      { startPosition: from, maxBatchSize: 10, maxWaitTimeInSeconds: 1, ...more },
    )
  })
}

const { events, last } = await read(earliestEventPosition, 3, { trackLastEnqueuedEventProperties: true })
const [first] = events
say({
  first: {
    body: first.body,
    properties: first.properties,
    messageId: first.messageId,
    contentType: first.contentType,
    sender: first.systemProperties['iothub-connection-device-id'],
    source: first.systemProperties['iothub-message-source'],
    method: JSON.parse(first.systemProperties['iothub-connection-auth-method']),
    sequenceNumber: first.sequenceNumber,
    offset: first.offset,
    isTimed: first.enqueuedTimeUtc instanceof Date,
  },
})
say({ bodies: events.map(event => event.body.n) })
say({ behind: [last.sequenceNumber, last.offset] })
say({ bySequence: (await read({ sequenceNumber: 1, isInclusive: true }, 2)).events.map(event => event.body.n) })
say({ byOffset: (await read({ offset: '1' }, 1)).events.map(event => event.body.n) })
say({ byTime: (await read({ enqueuedOn: first.enqueuedTimeUtc.getTime() - 1 }, 3)).events.length })

const fresh = read(latestEventPosition, 1)
const poke = setInterval(() => process.stdout.write('{"poke":true}\n'), 50)
say({ fresh: (await fresh).events.map(event => event.body.n) })
clearInterval(poke)
await client.close()
