import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { killRounds } from '@edgewright/testkit/store'
import { describe, it } from 'vitest'
import { LmdbStore } from '../src/index.js'

const PROGRAM = fileURLToPath(new URL('killed-program.mjs', import.meta.url))

/** More by hand: `KILL_ROUNDS=500 npx vitest run --project store-lmdb test/kill`. */
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 8)

describe('LmdbStore when its process is killed', () => {
  it(`loses nothing that was answered (${ROUNDS} rounds)`, { timeout: 60_000 + ROUNDS * 2_000 }, async () => {
    const path = await mkdtemp(join(tmpdir(), 'store-lmdb-kill-'))
    try {
      const open = () => new LmdbStore({ path })
      const report = await killRounds({ rounds: ROUNDS, program: PROGRAM, args: [path], open })
      assert.ok(report.answered > ROUNDS, JSON.stringify(report))
    } finally {
      await rm(path, { recursive: true })
    }
  })
})
