import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EdgewrightError } from '@edgewright/core'
import { describe, it } from 'vitest'
import { lockDirectory } from './directory-lock.js'

/** Listens as a lock does, says so, and never ends by itself. */
const HOLDER = `
  require('node:net').createServer().listen(process.argv[1] + '/lock-' + process.pid + '-00ff', () => console.log('held'))
`

describe('lockDirectory', () => {
  it('lets one in at a time, also of the same process', () =>
    inDirectory(async path => {
      const lock = await lockDirectory(path)
      await assert.rejects(lockDirectory(path), inUseBy(process.pid))
      await lock.release()
      const again = await lockDirectory(path)
      await again.release()
      assert.deepEqual(await readdir(path), [])
    }))

  it('names the process that holds it, and takes over when that was killed', () =>
    inDirectory(async path => {
      const holder = await startHolder(path)
      await assert.rejects(lockDirectory(path), inUseBy(holder.pid!))
      await kill(holder)
      assert.equal((await readdir(path)).length, 1)
      const lock = await lockDirectory(path)
      assert.equal((await readdir(path)).length, 1)
      await lock.release()
    }))

  it('sees a process that is stopped and answers nobody', () =>
    inDirectory(async path => {
      const holder = await startHolder(path)
      holder.kill('SIGSTOP')
      await assert.rejects(lockDirectory(path), inUseBy(holder.pid!))
      await kill(holder)
    }))

  it('never lets two in that come at the same moment', () =>
    inDirectory(async path => {
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(path)))
      const locks = attempts.flatMap(attempt => (attempt.status === 'fulfilled' ? [attempt.value] : []))
      assert.ok(locks.length <= 1)
      for (const lock of locks) await lock.release()
      await (await lockDirectory(path)).release()
    }))

  it('works in a folder with a long name', () =>
    inDirectory(async path => {
      const deep = join(path, 'd'.repeat(90), 'e'.repeat(90))
      await mkdir(deep, { recursive: true })
      const lock = await lockDirectory(deep)
      await assert.rejects(lockDirectory(deep), inUseBy(process.pid))
      await lock.release()
      assert.deepEqual(await readdir(deep), [])
    }))
})

async function inDirectory(test: (path: string) => Promise<void>): Promise<void> {
  const path = await mkdtemp(join(tmpdir(), 'lock-'))
  try {
    await test(path)
  } finally {
    await rm(path, { recursive: true })
  }
}

async function startHolder(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', HOLDER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise(resolve => child.stdout.once('data', resolve))
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  const closed = new Promise(resolve => child.once('close', resolve))
  child.kill('SIGKILL')
  await closed
}

function inUseBy(pid: number): (error: unknown) => boolean {
  return error => EdgewrightError.is(error, 'STORE_IN_USE') && error.message.includes(`${pid}`)
}
