import assert from 'node:assert/strict'
import { becomes, eventually, notStarted, numbered, online } from './fixture.js'
import type { UpstreamTests } from './subject.js'

/** Sessions of identities, and the life of the upstream itself. */
export const sessionTests: UpstreamTests = ({ describe, it }, make) => {
  describe('a session', () => {
    it(
      'is the same each time until it is closed',
      online(make, async ({ upstream, identities: [identity] }) => {
        const session = upstream.session(identity!)
        assert.equal(upstream.session({ ...identity! }), session)
        assert.deepEqual(session.identity, identity)
        await session.send(numbered(1))
        await session.close()
        await session.close()
        const [late] = await session.send(numbered(1))
        assert.equal(late!.kind, 'retry')
        assert.notEqual(upstream.session(identity!), session)
        const [outcome] = await upstream.session(identity!).send(numbered(1))
        assert.equal(outcome!.kind, 'accepted')
      }),
    )

    it(
      'that is refused touches no other, and works again when it is admitted',
      online(make, async ({ upstream, cloud, identities: [other, ...rest] }) => {
        const refused = rest.at(-1)
        if (cloud.setAdmitted === undefined) return
        await cloud.setAdmitted(refused!, false)
        const [outcome] = await upstream.session(refused!).send(numbered(1))
        assert.equal(outcome!.kind, 'retry')
        const [untouched] = await upstream.session(other!).send(numbered(1))
        assert.equal(untouched!.kind, 'accepted')
        assert.equal(upstream.connectivity.type, 'online')
        await cloud.setAdmitted(refused!, true)
        await eventually(
          () => upstream.session(refused!).send(numbered(1)),
          ([again]) => again!.kind === 'accepted',
        )
      }),
    )
  })

  describe('an upstream', () => {
    it(
      'may be started and stopped more than once, and at the same time',
      notStarted(make, async ({ upstream, identities: [identity] }) => {
        await Promise.all([upstream.start(), upstream.start()])
        await becomes(upstream, 'online')
        await Promise.all([upstream.stop(), upstream.stop()])
        assert.equal(upstream.connectivity.type, 'offline')
        const [outcome] = await upstream.session(identity!).send(numbered(1))
        assert.equal(outcome!.kind, 'retry')
        await upstream.start()
        await becomes(upstream, 'online')
        const [again] = await upstream.session(identity!).send(numbered(1))
        assert.equal(again!.kind, 'accepted')
      }),
    )

    it(
      'that stops gives what is under way its outcome',
      online(make, async ({ upstream, identities: [identity] }) => {
        const sent = upstream.session(identity!).send(numbered(100))
        await upstream.stop()
        assert.equal((await sent).length, 100)
      }),
    )
  })
}
