import assert from 'node:assert/strict'
import type { Connectivity } from '@edgewright/core'
import { becomes, bodies, firsts, notStarted, numbered, online, rejectsWith, sendAll } from './fixture.js'
import type { UpstreamTests } from './subject.js'

const CUTS = 5

/** Whether the cloud can be reached, and what is lost when it cannot: nothing. */
export const connectivityTests: UpstreamTests = ({ describe, it }, make) => {
  describe('connectivity', () => {
    it(
      'is offline, with a reason, before the start',
      notStarted(make, async ({ upstream, identities: [identity] }) => {
        const { connectivity } = upstream
        assert.equal(connectivity.type, 'offline')
        assert.ok(connectivity.type === 'offline' && connectivity.reason !== '')
        const [outcome] = await upstream.session(identity!).send(numbered(1))
        assert.equal(outcome!.kind, 'retry')
      }),
    )

    it(
      'tells of a loss with its reason, and of the return',
      online(make, async ({ upstream, cloud }) => {
        const seen: Connectivity[] = []
        upstream.on('connectivity', connectivity => seen.push(connectivity))
        await cloud.setReachable(false)
        const lost = await becomes(upstream, 'offline')
        assert.ok(lost.type === 'offline' && lost.reason !== '')
        await cloud.setReachable(true)
        await becomes(upstream, 'online')
        assert.deepEqual(
          seen.map(({ type }) => type),
          ['offline', 'online'],
        )
        assert.ok(seen[0]!.since <= seen[1]!.since)
      }),
    )

    it(
      'gives messages back at once while there is no link',
      online(make, async ({ upstream, cloud, identities: [identity] }) => {
        await cloud.setReachable(false)
        await becomes(upstream, 'offline')
        const outcomes = await upstream.session(identity!).send(numbered(3))
        assert.deepEqual(
          outcomes.map(({ kind }) => kind),
          ['retry', 'retry', 'retry'],
        )
        if (cloud.twins !== undefined) await rejectsWith('UPSTREAM_OFFLINE', upstream.session(identity!).getTwin())
      }),
    )

    it(
      'may be lost again and again: nothing is lost with it, and order is kept',
      online(make, async subject => {
        const {
          upstream,
          cloud,
          identities: [identity],
        } = subject
        const messages = numbered(1_000)
        let cuts = 0
        await sendAll(subject, messages, async done => {
          await becomes(upstream, 'online')
          if (cuts >= CUTS || done < (cuts * messages.length) / CUTS) return
          cuts += 1
          // While the batch is under way, not before it.
          queueMicrotask(() => void cloud.cut())
        })
        assert.equal(cuts, CUTS)
        assert.deepEqual(firsts(bodies(cloud.arrived(identity!))), bodies(messages))
      }),
    )

    it(
      'of a start without a cloud is offline, until there is one',
      notStarted(make, async ({ upstream, cloud }) => {
        await cloud.setReachable(false)
        await upstream.start()
        assert.equal(upstream.connectivity.type, 'offline')
        await cloud.setReachable(true)
        await becomes(upstream, 'online')
      }),
    )
  })
}
