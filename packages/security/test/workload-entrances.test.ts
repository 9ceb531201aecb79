import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWorkload, type TestWorkload } from './support/workload.js'
import { callWorkload } from './support/workload-client.js'

const SIGN = '/modules/sensor/genid/638000000000000001/sign'
const body = { data: '' }

describe('a socket', () => {
  let workload: TestWorkload
  beforeAll(async () => {
    workload = await startWorkload()
  })
  afterAll(() => workload[Symbol.asyncDispose]())

  it('lies in a folder of its own, under one that nobody else can enter', async () => {
    const { uri, folder } = await workload.api.open('sensor')
    const mode = async (path: string) => (await stat(path)).mode & 0o777
    expect(uri).toBe(`unix://${folder}/workload.sock`)
    expect(await mode(workload.folder)).toBe(0o700)
    expect(await mode(folder!)).toBe(0o711)
    expect(await mode(`${folder}/workload.sock`)).toBe(0o666)
    expect(await readdir(folder!)).toEqual(['workload.sock'])
  })

  it('serves its own module and no other', async () => {
    const [sensor, filter] = [await workload.api.open('sensor'), await workload.api.open('filter')]
    expect(filter.folder).not.toBe(sensor.folder)
    expect((await callWorkload(sensor.uri, 'POST', SIGN, { body })).status).toBe(200)
    expect((await callWorkload(filter.uri, 'POST', SIGN, { body })).status).toBe(403)
  })

  it('is the same when it is opened again, also at once', async () => {
    const [first, second] = await Promise.all([workload.api.open('twice'), workload.api.open('twice')])
    expect(second).toEqual(first)
  })

  it('goes when its module stops, and comes back in the same folder, whatever has taken its place', async () => {
    const { uri, folder } = await workload.api.open('restarted')
    const before = await stat(folder!)
    await workload.api.close('restarted')
    expect(await readdir(folder!)).toEqual([])
    await mkdir(`${folder}/workload.sock`)
    expect(await workload.api.open('restarted')).toEqual({ uri, folder })
    expect((await stat(folder!)).ino).toBe(before.ino)
    expect((await callWorkload(uri, 'GET', '/trust-bundle')).status).toBe(200)
  })

  it('leaves nothing when its module is gone for good', async () => {
    const { folder } = await workload.api.open('removed')
    await workload.api.remove('removed')
    await workload.api.remove('removed')
    await expect(stat(folder!)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('has a path of its own for every id there can be', async () => {
    const ids = ['..', '.', 'a:b', 'a_b', 'A_B', '#?%', 'x'.repeat(128), `${'x'.repeat(127)}y`]
    const folders = await Promise.all(ids.map(async id => (await workload.api.open(id)).folder!))
    expect(new Set(folders.map(folder => folder.toLowerCase())).size).toBe(ids.length)
    for (const folder of folders) expect(folder.slice(workload.folder.length)).toMatch(/^\/[\w-]{1,41}$/)
  })
})

describe('a port', () => {
  it('serves its own module, on loopback only', async () => {
    await using workload = await startWorkload()
    const { uri, folder } = await workload.api.open('sensor', 'http')
    expect(uri).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(folder).toBeUndefined()
    expect((await callWorkload(uri, 'POST', SIGN, { body })).status).toBe(200)
    const other = await workload.api.open('filter', 'http')
    expect((await callWorkload(other.uri, 'POST', SIGN, { body })).status).toBe(403)
    await workload.api.close('sensor')
    await expect(callWorkload(uri, 'GET', '/trust-bundle')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('is of no use to a page in a browser', async () => {
    await using workload = await startWorkload()
    const { uri } = await workload.api.open('sensor', 'http')
    const ask = async (headers: Record<string, string>) =>
      (await callWorkload(uri, 'POST', SIGN, { body, headers })).status
    expect(await ask({ host: `rebound.example:${new URL(uri).port}` })).toBe(403)
    expect(await ask({ host: 'localhost' })).toBe(403)
    expect(await ask({ origin: 'https://page.example' })).toBe(403)
    expect(await ask({ host: `LOCALHOST:${new URL(uri).port}` })).toBe(200)
  })

  it('is never opened to the network', async () => {
    for (const loopback of ['0.0.0.0', '192.168.0.1', '::', 'localhost']) {
      await expect(startWorkload({ loopback })).rejects.toMatchObject({ code: 'WORKLOAD_NOT_LOOPBACK' })
    }
  })
})

describe('what a module may ask', () => {
  /** A request whose head has been taken in, and whose body is still to come. */
  async function begun(uri: string): Promise<ClientRequest> {
    const headers = { expect: '100-continue', 'content-type': 'application/json', 'content-length': 11 }
    const path = `${SIGN}?api-version=2018-06-28`
    const outgoing = request({ socketPath: new URL(uri).pathname, method: 'POST', path, headers, agent: false })
    outgoing.flushHeaders()
    await once(outgoing, 'continue')
    return outgoing
  }

  async function statusOf(outgoing: ClientRequest): Promise<number | undefined> {
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
    response.resume()
    return response.statusCode
  }

  it('has a bound at once: the connection of one more is dropped', async () => {
    await using workload = await startWorkload()
    const { uri } = await workload.api.open('sensor')
    const waiting = await Promise.all(Array.from({ length: 10 }, () => begun(uri)))
    await expect(callWorkload(uri, 'GET', '/trust-bundle')).rejects.toMatchObject({ code: 'ECONNRESET' })
    const other = (await workload.api.open('filter')).uri
    expect((await callWorkload(other, 'GET', '/trust-bundle')).status).toBe(200)
    const statuses = waiting.map(statusOf)
    for (const outgoing of waiting) outgoing.end('{"data":""}')
    expect(new Set(await Promise.all(statuses))).toEqual(new Set([200]))
    expect((await callWorkload(uri, 'GET', '/trust-bundle')).status).toBe(200)
  })

  it('has a bound in time', async () => {
    await using workload = await startWorkload({ limits: { burst: 3, requestsPerSecond: 2 } })
    const { uri } = await workload.api.open('sensor')
    const ask = async () => (await callWorkload(uri, 'GET', '/trust-bundle')).status
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([200, 200, 200, 429])
    await workload.clock.advance(500)
    expect([await ask(), await ask()]).toEqual([200, 429])
  })

  it('is ten times less where it is a certificate', async () => {
    await using workload = await startWorkload({ limits: { burst: 25 } })
    const { uri } = await workload.api.open('sensor')
    const ask = async () => (await callWorkload(uri, 'POST', '/modules/sensor/certificate/identity')).status
    expect([await ask(), await ask(), await ask()]).toEqual([201, 201, 429])
    expect((await callWorkload(uri, 'GET', '/trust-bundle')).status).toBe(200)
  })

  it('must come within five seconds', async () => {
    await using workload = await startWorkload()
    const { uri } = await workload.api.open('sensor')
    const slow = await begun(uri)
    const status = statusOf(slow)
    await workload.clock.advance(5_000)
    expect(await status).toBe(408)
  })

  it('holds no stop up', async () => {
    await using workload = await startWorkload()
    const { uri, folder } = await workload.api.open('sensor')
    const lost = once(await begun(uri), 'error')
    await workload.api.stop()
    await lost
    expect(await readdir(folder!)).toEqual([])
    await expect(workload.api.open('sensor')).rejects.toMatchObject({ code: 'NOT_RUNNING' })
    await workload.api.start()
    await workload.api.open('sensor')
    expect((await callWorkload(uri, 'GET', '/trust-bundle')).status).toBe(200)
  })
})

describe('where it cannot be', () => {
  it('is refused when the path is too long for a socket', async () => {
    const base = await mkdtemp(join(tmpdir(), 'edgewright-long-'))
    await using workload = await startWorkload({ folder: join(base, 'x'.repeat(60)) })
    await expect(workload.api.open('sensor')).rejects.toMatchObject({ code: 'WORKLOAD_PATH_TOO_LONG' })
    await rm(base, { recursive: true })
  })

  it('is refused when there can be no folder', async () => {
    await expect(startWorkload({ folder: '/dev/null/workload' })).rejects.toMatchObject({
      code: 'WORKLOAD_LISTEN_FAILED',
      place: '/dev/null/workload',
    })
  })

  it('is refused when the folder is gone, and opens when it can again', async () => {
    await using workload = await startWorkload()
    await rm(workload.folder, { recursive: true })
    await writeFile(workload.folder, '')
    await expect(workload.api.open('sensor')).rejects.toMatchObject({ code: 'WORKLOAD_LISTEN_FAILED' })
    await rm(workload.folder)
    const { uri } = await workload.api.open('sensor')
    expect((await callWorkload(uri, 'GET', '/trust-bundle')).status).toBe(200)
    expect((await stat(workload.folder)).mode & 0o777).toBe(0o700)
  })

  it('takes over a folder that stood open to others', async () => {
    const base = await mkdtemp(join(tmpdir(), 'edgewright-open-'))
    await chmod(base, 0o777)
    await using workload = await startWorkload({ folder: base })
    expect((await stat(base)).mode & 0o777).toBe(0o700)
    await workload.api.stop()
    await rm(base, { recursive: true })
  })
})
