import { mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ModuleObservation, ModuleSpecification } from '@edgewright/core'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProcessComponents, type ProcessOptions, ProcessRuntime } from './process-runtime.js'

const NODE = process.execPath

function module(settings: Record<string, unknown>, environment: Record<string, string> = {}): ModuleSpecification {
  return { name: 'worker', type: 'process', settings, environment }
}

let runtime: ProcessRuntime | undefined

async function running(options?: ProcessOptions, components?: ProcessComponents): Promise<ProcessRuntime> {
  runtime = new ProcessRuntime(components, options)
  await runtime.start()
  return runtime
}

/** Runs a program to its end; resolves with what it wrote and how it ended. */
async function finished(specification: ModuleSpecification, options?: ProcessOptions, components?: ProcessComponents) {
  const runtime = await running(options, components)
  const end = ended(runtime)
  await runtime.create(specification)
  await runtime.startModule('worker')
  const observation = await end
  const lines: string[] = []
  for await (const { text } of runtime.logs('worker')) lines.push(text)
  return { observation, lines }
}

function ended(runtime: ProcessRuntime): Promise<ModuleObservation> {
  return new Promise(resolve => {
    runtime.watch((_, seen) => seen?.exitCode !== undefined && resolve(seen), new AbortController().signal)
  })
}

async function written(runtime: ProcessRuntime): Promise<string> {
  for await (const { text } of runtime.logs('worker', { follow: true })) return text
  throw new Error('nothing was written')
}

describe('ProcessRuntime', () => {
  const folders: string[] = []

  afterEach(async () => {
    await runtime?.stop()
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
  })

  it.skipIf(process.platform !== 'linux')('holds a program to its limits', async () => {
    const limits = { memory: '512 MiB', openFiles: 64, processorTime: 20 }
    const { lines } = await finished(module({ command: '/bin/cat', args: ['/proc/self/limits'], limits }))
    const limitOf = (name: string) =>
      lines
        .find(line => line.startsWith(name))
        ?.slice(name.length)
        .trim()
        .split(/ +/)[0]
    expect(limitOf('Max data size')).toBe(String(512 * 1_048_576))
    expect(limitOf('Max open files')).toBe('64')
    expect(limitOf('Max cpu time')).toBe('20')
  })

  it.each([{ memory: 'much' }, { memory: 0 }, { openFiles: 1.5 }, { disk: 1 }, 'none'])(
    'refuses limits that are none: %j',
    async limits => {
      const specification = module({ command: NODE, limits })
      await expect((await running()).create(specification)).rejects.toMatchObject({ code: 'MODULE_SETTINGS_INVALID' })
    },
  )

  it('gives a program its arguments as they are, its folder, and nothing of the environment but what is named', async () => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'process-')))
    folders.push(folder)
    const script = 'console.log(JSON.stringify([process.argv.slice(1), process.cwd(), process.env]))'
    const settings = { command: NODE, args: ['-e', script, '$HOME; exit 1', '*'], cwd: folder }
    const environment = { HOME: '/home/other', SECRET: 'of the gateway', PATH: '/bin' }
    const { lines } = await finished(module(settings, { OWN: '1' }), { inherited: ['HOME'] }, { environment })
    expect(JSON.parse(lines[0]!)).toEqual([['$HOME; exit 1', '*'], folder, { HOME: '/home/other', OWN: '1' }])
  })

  it.each<[string, string, Partial<ModuleObservation>]>([
    ['ends well', '', { state: 'stopped', exitCode: 0 }],
    ['fails', 'process.exit(7)', { state: 'failed', exitCode: 7, reason: 'it exited with code 7' }],
    ['is ended by a signal', 'process.kill(process.pid, "SIGSEGV")', { state: 'failed', exitCode: 139 }],
    ['is told to end by another', 'process.kill(process.pid)', { state: 'failed', reason: 'it was ended by SIGTERM' }],
  ])('says how a program ended that %s', async (_, script, end) => {
    expect((await finished(module({ command: NODE, args: ['-e', script] }))).observation).toMatchObject(end)
  })

  it('ends what a program started together with it', async () => {
    const script = 'sleep 1000 & echo $!; trap "exit 0" TERM; while :; do sleep 0.05; done'
    const runtime = await running()
    await runtime.create(module({ command: 'sh', args: ['-c', script] }))
    await runtime.startModule('worker')
    const grandchild = Number(await written(runtime))
    expect(process.kill(grandchild, 0)).toBe(true)
    await runtime.stopModule('worker', 5_000)
    expect((await runtime.list())[0]).toMatchObject({ state: 'stopped' })
    // Its new parent takes notice of its end when it comes to it.
    await expect.poll(() => isAlive(grandchild)).toBe(false)
  })

  it('keeps as much of a log as it is told to, whatever is written', async () => {
    const script = 'process.stdout.write("x".repeat(1e6) + "\\n"); for (let i = 0; i < 100; i++) console.log(i, "é")'
    const log = { lines: 10, lineLength: 4 }
    const { lines } = await finished(module({ command: NODE, args: ['-e', script] }), { log })
    expect(lines).toEqual(Array.from({ length: 10 }, (_, index) => `${90 + index} é`))
  })

  it('runs only programs that it may, wherever links lead', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'process-'))
    folders.push(folder)
    await symlink(NODE, join(folder, 'innocent'))
    const runtime = await running({ allowed: [folder] })
    await expect(runtime.create(module({ command: join(folder, 'innocent') }))).rejects.toMatchObject({
      code: 'MODULE_FORBIDDEN',
      place: 'worker',
    })
    expect(await runtime.list()).toEqual([])
  })

  it.each([
    [{}, 'MODULE_SETTINGS_INVALID'],
    [{ command: '' }, 'MODULE_SETTINGS_INVALID'],
    [{ command: 'a\0b' }, 'MODULE_SETTINGS_INVALID'],
    [{ command: NODE, args: 'one text' }, 'MODULE_SETTINGS_INVALID'],
    [{ command: NODE, cwd: 7 }, 'MODULE_SETTINGS_INVALID'],
    [{ command: NODE, cwd: '/nowhere/at-all' }, 'MODULE_NOT_AVAILABLE'],
    [{ command: 'no-such-program' }, 'MODULE_NOT_AVAILABLE'],
    [{ command: tmpdir() }, 'MODULE_NOT_AVAILABLE'],
  ])('refuses %j', async (settings, code) => {
    await expect((await running()).create(module(settings))).rejects.toMatchObject({ code })
  })

  it('gives a module its environment anew each time that it starts', async () => {
    let starts = 0
    const prepare = async () => ({ TOKEN: `${++starts}` })
    const script = 'console.log(process.env.TOKEN)'
    const { lines } = await finished(module({ command: NODE, args: ['-e', script] }), {}, { prepare })
    expect(lines).toEqual(['1'])
    const end = ended(runtime!)
    await runtime!.startModule('worker')
    await end
    const again: string[] = []
    for await (const { text } of runtime!.logs('worker')) again.push(text)
    expect(again).toEqual(['1', '2'])
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
