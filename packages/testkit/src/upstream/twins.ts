import assert from 'node:assert/strict'
import type { TwinPatch } from '@edgewright/core'
import { becomes, claimed, eventually, online, until } from './fixture.js'
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
          session.handle({ desired: patch => void patches.push(patch) })
          /** Changes until one is heard: listening begins at some time after `handle`. */
          const hears = (value: number) =>
            eventually(
              async () => twins.change(identity!, { value }),
              version =>
                patches.some(
                  patch => patch.version !== undefined && patch.version <= version && patch.patch.value === value,
                ),
            )
          await hears(1)
          const deleted = twins.change(identity!, { value: null })
          await until(() => patches.some(({ version }) => version === deleted))
          assert.deepEqual(patches.find(({ version }) => version === deleted)!.patch, { value: null })
          await cloud.cut()
          await becomes(upstream, 'online')
          await hears(2)
        }),
      ),
    )
  })
}
