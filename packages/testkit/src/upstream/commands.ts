import assert from 'node:assert/strict'
import type { CloudDelivery } from '@edgewright/core'
import { becomes, bodies, claimed, online, until } from './fixture.js'
import type { UpstreamTests } from './subject.js'

/** Cloud-to-device messages and their settlement. */
export const commandTests: UpstreamTests = ({ describe, it }, make) => {
  describe('a cloud-to-device message', () => {
    it(
      'waits for whom listens, comes in order, and is done when it is completed',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.commands, async commands => {
          for (const body of ['a', 'b', 'c']) commands.send(identity!, body)
          const received: CloudDelivery[] = []
          upstream.session(identity!).handle({ command: delivery => void received.push(delivery) })
          await until(() => received.length === 3)
          assert.deepEqual(bodies(received.map(({ message }) => message)), ['a', 'b', 'c'])
          assert.equal(commands.waiting(identity!), 3)
          for (const delivery of received) delivery.settle('completed')
          await until(() => commands.waiting(identity!) === 0)
        }),
      ),
    )

    it(
      'that is rejected does not come again',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.commands, async commands => {
          commands.send(identity!, 'bad')
          let received = 0
          upstream.session(identity!).handle({
            command: delivery => {
              received += 1
              delivery.settle('rejected')
              delivery.settle('abandoned')
            },
          })
          await until(() => commands.waiting(identity!) === 0)
          assert.equal(received, 1)
        }),
      ),
    )

    it(
      'that is abandoned, or not settled before the link is lost, comes again',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.commands, async commands => {
          for (const body of ['a', 'b']) commands.send(identity!, body)
          const received: string[] = []
          let isWilling = false
          upstream.session(identity!).handle({
            command: ({ message, settle }) => {
              received.push(Buffer.from(message.body).toString())
              if (isWilling) settle('completed')
              else if (received.length === 1) settle('abandoned')
            },
          })
          await until(() => received.includes('a') && received.includes('b'))
          isWilling = true
          await cloud.cut()
          await becomes(upstream, 'online')
          await until(() => commands.waiting(identity!) === 0)
          assert.ok(received.length >= 4)
        }),
      ),
    )
  })
}
