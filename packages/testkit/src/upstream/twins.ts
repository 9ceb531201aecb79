import assert from 'node:assert/strict'
import type { TwinPatch } from '@edgewright/core'
import { claimed, online, rejectsWith, until } from './fixture.js'
import type { UpstreamTests } from './subject.js'

/** Twins, from the side of their client. */
export const twinTests: UpstreamTests = ({ describe, it }, make) => {
  describe('a twin', () => {
    it(
      'is read with its versions',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.twins, async twins => {
          const version = twins.change(identity!, { rate: 5, deep: { a: [1, null] } })
          const twin = await upstream.session(identity!).getTwin()
          assert.deepEqual(twin.desired, { properties: { rate: 5, deep: { a: [1, null] } }, version })
          assert.deepEqual(twin.reported.properties, {})
        }),
      ),
    )

    it(
      'takes reported properties as a merge patch, and counts up their version',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.twins, async twins => {
          const session = upstream.session(identity!)
          const first = await session.report({ on: true, speed: 1 })
          const second = await session.report({ on: null, speed: 2 })
          assert.ok(second > first)
          assert.deepEqual(twins.reported(identity!), { speed: 2 })
          assert.deepEqual((await session.getTwin()).reported, { properties: { speed: 2 }, version: second })
        }),
      ),
    )

    it(
      'tells changes to whom listens, deletions too, also after the link was lost',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.twins, async twins => {
          const session = upstream.session(identity!)
          const patches: TwinPatch[] = []
          let gaps = 0
          session.handle({ desired: patch => void patches.push(patch), listening: () => void (gaps += 1) })
          const hears = async (value: number | null) => {
            const version = twins.change(identity!, { value })
            await until(() => patches.some(patch => patch.version === version))
            assert.deepEqual(patches.find(patch => patch.version === version)!.patch, { value })
          }
          await until(() => gaps > 0)
          await hears(1)
          await hears(null)
          const before = gaps
          await cloud.cut()
          await until(() => gaps > before)
          await hears(2)
          session.handle({})
        }),
      ),
    )

    it(
      'that the cloud does not want changed says so, and takes the next patch',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.twins?.setRefusing?.bind(cloud.twins), async setRefusing => {
          const session = upstream.session(identity!)
          await session.report({ before: 1 })
          setRefusing(true)
          await rejectsWith('UPSTREAM_REFUSED', session.report({ bad: 1 }))
          setRefusing(false)
          await session.report({ after: 1 })
          assert.deepEqual((await session.getTwin()).reported.properties, { before: 1, after: 1 })
        }),
      ),
    )

    it(
      'is told to its listener no longer than it wants to know',
      online(make, ({ upstream, cloud, identities: [identity, other] }) =>
        claimed(cloud.twins, async twins => {
          const told: TwinPatch[] = []
          let begun = 0
          const listening = () => void (begun += 1)
          upstream.session(identity!).handle({ desired: patch => void told.push(patch), listening })
          upstream.session(other!).handle({ desired: () => undefined, listening })
          await until(() => begun === 2)
          upstream.session(identity!).handle({})
          await upstream.session(identity!).getTwin()
          const { length } = told
          twins.change(identity!, { late: 1 })
          await upstream.session(identity!).getTwin()
          assert.equal(told.length, length)
        }),
      ),
    )

    it(
      'whose listener fails goes on telling, and the link stays up',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.twins, async twins => {
          let isListening = false
          const versions: unknown[] = []
          upstream.session(identity!).handle({
            desired: ({ version }) => {
              versions.push(version)
              throw new Error('out of order')
            },
            listening: () => {
              isListening = true
              throw new Error('out of order')
            },
          })
          await until(() => isListening)
          for (const value of [1, 2]) {
            const version = twins.change(identity!, { value })
            await until(() => versions.includes(version))
          }
          assert.equal(upstream.connectivity.type, 'online')
        }),
      ),
    )
  })
}
