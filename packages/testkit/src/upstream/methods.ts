import assert from 'node:assert/strict'
import type { MethodRequest } from '@edgewright/core'
import { becomes, claimed, eventually, online } from './fixture.js'
import type { UpstreamTests } from './subject.js'

/** Method calls from the cloud. */
export const methodTests: UpstreamTests = ({ describe, it }, make) => {
  describe('a method call', () => {
    it(
      'reaches its handler and is answered, several at once, also after the link was lost',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.callMethod?.bind(cloud), async call => {
          const requests: MethodRequest[] = []
          upstream.session(identity!).handle({
            method: async request => {
              requests.push(request)
              return { status: 201, payload: { echo: request.payload ?? null } }
            },
          })
          const isHeard = () =>
            eventually(
              () => call(identity!, 'restart', { at: 1 }).catch(() => undefined),
              answer => answer !== undefined,
            )
          assert.deepEqual(await isHeard(), { status: 201, payload: { echo: { at: 1 } } })
          assert.equal(requests.at(-1)!.name, 'restart')
          const answers = await Promise.all([1, 2, 3].map(at => call(identity!, 'restart', { at })))
          assert.deepEqual(
            answers.map(({ payload }) => payload),
            [1, 2, 3].map(at => ({ echo: { at } })),
          )
          await cloud.cut()
          await becomes(upstream, 'online')
          assert.equal((await isHeard())!.status, 201)
        }),
      ),
    )

    it(
      'whose handler fails is answered with a failure',
      online(make, ({ upstream, cloud, identities: [identity] }) =>
        claimed(cloud.callMethod?.bind(cloud), async call => {
          upstream.session(identity!).handle({ method: () => Promise.reject(new Error('out of order')) })
          const answer = await eventually(
            () => call(identity!, 'restart').catch(() => undefined),
            response => response !== undefined,
          )
          assert.ok(answer!.status >= 400)
        }),
      ),
    )
  })
}
