import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { Gateway } from '../src/index.js'

const GUIDE = new URL('../../../docs/guides/modules.md', import.meta.url)
const SNIPPETS = new URL('guide/modules/', import.meta.url)

describe('the guide on modules', async () => {
  it.each(await readdir(SNIPPETS))('shows %s', async name => {
    const snippet = await readFile(new URL(name, SNIPPETS), 'utf8')
    expect(await readFile(GUIDE, 'utf8')).toContain(snippet.trimEnd())
  })

  it('shows a gateway that does nothing until it is started', async () => {
    const { gateway } = await import('./guide/modules/gateway.js')
    expect(gateway).toBeInstanceOf(Gateway)
    expect(gateway.state).toBe('stopped')
  })

  it('shows a deployment by hand: planned, then carried out', async () => {
    const { deployByHand } = await import('./guide/modules/deploy.js')
    const calls: string[] = []
    const agent = {
      preview: () => {
        calls.push('preview')
        return { due: [], later: [], nextAt: 0 }
      },
      deploy: async () => void calls.push('deploy'),
    }
    await deployByHand({ agent } as never, {})
    expect(calls).toEqual(['preview', 'deploy'])
  })

  it('shows rules that can be kept', async () => {
    const { runtime } = await import('./guide/modules/narrowed.js')
    expect(runtime('', '')).toBeTypeOf('function')
  })
})
