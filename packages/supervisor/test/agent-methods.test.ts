import { gunzipSync } from 'node:zlib'
import type { JsonObject, JsonValue } from '@edgewright/core'
import { memoryModuleHost, virtualClock } from '@edgewright/testkit'
import { strFromU8, unzipSync } from 'fflate'
import { afterEach, describe, expect, it } from 'vitest'
import { AgentMethods, type Blob, InProcessRuntime, type ModuleFunction, Supervisor } from '../src/index.js'

const START = Date.UTC(2026, 0, 1)

const patient: ModuleFunction = ({ signal }) =>
  new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

/** Writes lines as they are, through the log of the runtime. */
function writing(...lines: string[]): ModuleFunction {
  return async context => {
    for (const line of lines) context.logger.log('info', line)
    await patient(context)
  }
}

describe('AgentMethods', () => {
  const stops: (() => Promise<unknown>)[] = []

  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  async function started(functions: Record<string, ModuleFunction>) {
    const clock = virtualClock({ start: START })
    const runtime = new InProcessRuntime({ host: memoryModuleHost(), clock }, { functions })
    const modules = runtime.specifications.map(specification => ({ specification }))
    const supervisor = new Supervisor({ runtimes: [runtime], clock }, { modules })
    const blobs: { url: string; name: string; bytes: Buffer }[] = []
    const upload = {
      async put(url: string, { name, content }: Blob) {
        const pieces: Uint8Array[] = []
        for await (const piece of content) pieces.push(piece)
        if (url.includes('broken')) throw new Error('refused: sig=s3cret')
        blobs.push({ url, name, bytes: Buffer.concat(pieces) })
      },
    }
    const methods = new AgentMethods({ supervisor, hub: 'plant.example', deviceId: 'press-7', upload, clock })
    stops.push(
      () => methods.stop(),
      () => supervisor.stop(),
    )
    await supervisor.start()
    await clock.advance(0)
    const call = (name: string, payload?: JsonValue) =>
      methods.handle({ name, payload, responseTimeout: 1_000, connectTimeout: 0 }, new AbortController().signal)
    const finished = async (correlationId: unknown) => {
      for (;;) {
        const { payload } = await call('GetTaskStatus', {
          schemaVersion: '1.0',
          correlationId: correlationId as string,
        })
        if ((payload as JsonObject).status !== 'Running') return payload as JsonObject
        await new Promise(resolve => setImmediate(resolve))
      }
    }
    return { call, clock, supervisor, runtime, blobs, finished }
  }

  const logs = (items: JsonValue, more: JsonObject = {}) => ({
    schemaVersion: '1.0',
    contentType: 'text',
    items,
    ...more,
  })
  const texts = (payload: JsonValue | undefined) =>
    (payload as { id: string; payload: string }[]).map(({ id, payload }) => [
      id,
      payload.split('\n').flatMap(line => line.split('info  ')[1] ?? []),
    ])

  it('answers a ping, in any case, whatever its payload', async () => {
    const { call } = await started({})
    expect(await call('PING')).toEqual({ status: 200, payload: null })
  })

  it('restarts a module, without counting it', async () => {
    const { call, clock, runtime, supervisor } = await started({ a: patient, b: patient })
    const before = await runtime.list()
    await clock.advance(1_000)
    expect(await call('RestartModule', { schemaVersion: '1.0', id: 'a' })).toEqual({ status: 200, payload: null })
    const [a, b] = await runtime.list()
    expect(a).toMatchObject({ state: 'running', startedAt: START + 1_000 })
    expect(b).toEqual(before[1])
    await clock.advance(0)
    expect(supervisor.status()[0]).toMatchObject({ state: 'running', restarts: 0 })
  })

  it('gives the lines of the modules that are asked for', async () => {
    const { call } = await started({ press: writing('one', 'two'), drill: writing('three') })
    const { payload } = await call('GetModuleLogs', logs({ id: 'PRE', filter: { tail: 1 } }))
    expect(texts(payload)).toEqual([['press', ['two']]])
    expect(texts((await call('GetModuleLogs', logs([{ id: 'all' }]))).payload)).toHaveLength(2)
    expect((await call('GetModuleLogs', logs({ id: 'nobody' }))).payload).toEqual([])
  })

  it.each<[string, JsonObject, string[]]>([
    ['a pattern', { regex: 'w.$' }, ['two']],
    ['a time', { since: '2026-01-01T00:00:00Z' }, ['one', 'two']],
    ['a later time', { since: `${START / 1_000 + 60}` }, []],
    ['a length of time', { since: '1h 30m', until: '1m' }, []],
    ['a level', { loglevel: 6 }, ['one', 'two']],
    ['a graver level', { loglevel: 3 }, []],
  ])('gives lines by %s', async (_, filter, expected) => {
    const { call } = await started({ a: writing('one', 'two') })
    expect(texts((await call('GetModuleLogs', logs({ id: 'a', filter }))).payload)).toEqual([['a', expected]])
  })

  it('gives lines as JSON, and compressed', async () => {
    const { call } = await started({ a: writing('one') })
    const request = logs({ id: 'a' }, { contentType: 'json', encoding: 'gzip' })
    const [answer] = (await call('GetModuleLogs', request)).payload as JsonObject[]
    expect(answer).toMatchObject({ id: 'a', payload: null })
    expect(JSON.parse(gunzipSync(Buffer.from(answer!.payloadBytes as string, 'base64')).toString())).toMatchObject([
      {
        iothub: 'plant.example',
        device: 'press-7',
        id: 'a',
        stream: 'stdout',
        loglevel: 6,
        timestamp: '2026-01-01T00:00:00.000Z',
      },
    ])
  })

  it.each<[string, JsonValue | undefined, number]>([
    ['Nonsense', {}, 400],
    ['RestartModule', undefined, 400],
    ['RestartModule', { schemaVersion: '2.0', id: 'a' }, 500],
    ['RestartModule', { schemaVersion: '1.0', id: 'nobody' }, 500],
    ['GetModuleLogs', { schemaVersion: '1.0' }, 400],
    ['GetModuleLogs', logs({ id: '(' }), 400],
    ['GetModuleLogs', logs({ id: 'a', filter: { since: 'whenever' } }), 400],
    ['GetModuleLogs', logs({ id: 'a', filter: { tail: -1 } }), 400],
    ['GetModuleLogs', logs({ id: 'a', filter: { loglevel: 8 } }), 400],
    ['GetModuleLogs', logs({ id: 'a' }, { encoding: 'rot13' }), 400],
    ['GetModuleLogs', logs({ id: 'large' }), 400],
  ])('refuses %s of %j', async (name, payload, status) => {
    const { call } = await started({
      a: patient,
      large: writing(...Array.from({ length: 20 }, () => 'x'.repeat(8_000))),
    })
    expect(await call(name, payload)).toMatchObject({ status, payload: { message: expect.any(String) } })
  })

  it('gives up a pattern that takes too long, and goes on', async () => {
    const { call } = await started({ a: writing(`${'a'.repeat(40)}!`) })
    expect(await call('GetModuleLogs', logs({ id: 'a', filter: { regex: '(a+)+$' } }))).toMatchObject({ status: 400 })
    expect(await call('ping')).toMatchObject({ status: 200 })
  })

  it('uploads logs as a task', async () => {
    const { call, finished, blobs } = await started({ a: writing('one') })
    const request = logs({ id: 'a' }, { sasUrl: 'https://blobs.example/c?sig=x', encoding: 'gzip' })
    const { payload } = await call('UploadModuleLogs', request)
    const { correlationId } = payload as JsonObject
    expect(payload).toMatchObject({ status: 'Running', message: '' })
    expect(await finished(correlationId)).toEqual({ status: 'Completed', message: '', correlationId })
    expect(blobs[0]!.name).toBe('plant.example/press-7/a-2026-01-01--00-00-00.log.gz')
    expect(gunzipSync(blobs[0]!.bytes).toString()).toContain('one')
  })

  it('tells why an upload failed, without the signature', async () => {
    const { call, finished } = await started({ a: writing('one') })
    const { payload } = await call('UploadModuleLogs', logs({ id: 'a' }, { sasUrl: 'https://broken' }))
    const status = await finished((payload as JsonObject).correlationId)
    expect(status).toMatchObject({ status: 'Failed', message: expect.stringContaining('refused') })
    expect(status.message).not.toContain('s3cret')
    expect((await call('GetTaskStatus', { schemaVersion: '1.0', correlationId: 'x' })).payload).toMatchObject({
      status: 'Unknown',
    })
  })

  it('uploads a support bundle that others can open', async () => {
    const { call, finished, blobs } = await started({ a: writing('one'), b: patient })
    const { payload } = await call('UploadSupportBundle', { sasUrl: 'https://blobs.example/c?sig=x' })
    expect(await finished((payload as JsonObject).correlationId)).toMatchObject({ status: 'Completed' })
    const files = unzipSync(blobs[0]!.bytes)
    expect(Object.keys(files)).toEqual(['modules.json', 'logs/a.log', 'logs/b.log'])
    expect(strFromU8(files['logs/a.log']!)).toContain('one')
  })
})
