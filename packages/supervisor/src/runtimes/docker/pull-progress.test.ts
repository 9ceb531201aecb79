import { describe, expect, it } from 'vitest'
import { PullProgressMeter } from './pull-progress.js'

const downloading = (id: string, current: number, total: number) => ({
  ...{ id, status: 'Downloading' },
  progressDetail: { current, total },
})

describe('PullProgressMeter', () => {
  it('sums up the layers, and tells of each percent once', () => {
    const meter = new PullProgressMeter()
    expect(meter.take({ status: 'Pulling from app', id: '1' })).toBeUndefined()
    expect(meter.take(downloading('a', 10, 100))).toEqual({ doneBytes: 10, totalBytes: 100 })
    expect(meter.take(downloading('a', 10.5, 100))).toBeUndefined()
    expect(meter.take(downloading('b', 0, 300))).toEqual({ doneBytes: 10.5, totalBytes: 400 })
    expect(meter.take({ id: 'a', status: 'Download complete', progressDetail: {} })).toMatchObject({ doneBytes: 100 })
    expect(meter.take({ id: 'a', status: 'Extracting', progressDetail: { current: 5, total: 9 } })).toBeUndefined()
    expect(meter.take(downloading('b', 900, 300))).toEqual({ doneBytes: 400, totalBytes: 400 })
  })

  it('takes nothing from lines that say nothing', () => {
    const meter = new PullProgressMeter()
    for (const line of [undefined, null, 'text', { status: 'Digest: sha256:…' }, downloading('a', 1, 0)]) {
      expect(meter.take(line)).toBeUndefined()
    }
  })
})
