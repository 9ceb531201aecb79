import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loopbackAddresses, Program } from './program.js'

const addresses = loopbackAddresses(2)

function manifest(modules: object): string {
  const runtime = { type: 'docker', settings: {} }
  const desired = { schemaVersion: '1.1', runtime, systemModules: {}, modules }
  return JSON.stringify({ modulesContent: { $edgeAgent: { 'properties.desired': desired } } })
}

function program(seconds: string, members: object = {}): object {
  const settings = { command: '/bin/sleep', args: [seconds] }
  return { type: 'process', status: 'running', restartPolicy: 'always', settings, ...members }
}

describe('deploy', () => {
  let folder: string
  let gateway: Program
  let place: readonly string[]

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'edgewright-deploy-'))
    place = ['--data-dir', join(folder, 'data')]
    gateway = new Program(['--json', '--no-samples', ...place, ...addresses()])
    await gateway.event(({ event }) => event === 'ready')
  })

  afterAll(async () => {
    await gateway.stop()
    await rm(folder, { recursive: true })
  })

  async function run(content: string, ...args: readonly string[]) {
    const file = join(folder, 'deployment.json')
    await writeFile(file, content)
    const command = new Program(['deploy', file, ...args])
    const code = await command.end()
    return { code, text: command.notJson.join('\n'), json: command.events[0], stderr: command.stderr }
  }

  it('says what would change and changes nothing, carries it out, and then has nothing to change', async () => {
    const document = manifest({ one: program('1000'), two: program('1000') })
    const planned = await run(document, '--plan', ...place)
    expect(planned).toMatchObject({ code: 2, text: expect.stringContaining('create  one') })
    expect(planned.text).toContain('it does not exist')
    expect((await run(document, '--plan', '--json', ...place)).json).toMatchObject({ applied: false, unchanged: 0 })

    expect(await run(document, ...place)).toMatchObject({ code: 0, text: expect.stringContaining('is in force') })
    const isUp = ({ name, state }: { name: string; state: string }) => name === 'two' && state === 'running'
    await gateway.event(({ event, modules }) => event === 'status' && modules.some(isUp))
    expect(await run(document, '--plan', ...place)).toMatchObject({
      code: 0,
      text: 'nothing changes; 2 modules stay as they are',
    })
    const changed = manifest({ one: program('1000'), two: program('2000') })
    expect(await run(changed, '--plan', '--json', ...place)).toMatchObject({
      code: 2,
      json: { changes: [{ name: 'two', action: 'update', reason: 'it is to change: its args' }], unchanged: 1 },
    })
  })

  it('says of a document that cannot be used everything that is wrong, with its place', async () => {
    const bad = manifest({ one: program('1000', { status: 'runing' }), two: { type: 'vm' } })
    for (const args of [[...place], ['--plan', ...place], ['--plan']]) {
      const { code, stderr } = await run(bad, ...args)
      expect(code).toBe(1)
      expect(stderr).toContain('400 modules.one.status')
      expect(stderr).toContain('400 modules.two.type')
    }
  })

  it('is in force from the start with --config', async () => {
    const file = join(folder, 'config.json')
    await writeFile(file, manifest({ configured: program('1000') }))
    const other = new Program(['--json', '--config', file, ...addresses()])
    const isUp = ({ name, state }: { name: string; state: string }) => name === 'configured' && state === 'running'
    await other.event(({ event, modules }) => event === 'status' && modules.some(isUp))
    await other.stop()
  })

  it('plans without a gateway, and tells how it is called', async () => {
    expect(await run(manifest({ lonely: program('1000') }), '--plan')).toMatchObject({
      code: 2,
      text: expect.stringContaining('create  lonely'),
    })
    expect(await run(manifest({}))).toMatchObject({ code: 1, stderr: expect.stringContaining('Usage') })
  })
})
