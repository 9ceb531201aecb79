import { describe, expect, it } from 'vitest'
import { logLines } from './log-frames.js'

const time = (second: number) => `2026-01-01T00:00:0${second}.123456789Z`

function frame(stream: 1 | 2, text: string): Buffer {
  const content = Buffer.from(text)
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(content.length, 4)
  return Buffer.concat([header, content])
}

async function read(chunks: readonly Buffer[], isTerminal = false): Promise<string[]> {
  const read: string[] = []
  const stream = (async function* () {
    yield* chunks
  })()
  for await (const line of logLines(stream, isTerminal)) read.push(`${line.stream} ${line.timestamp} ${line.text}`)
  return read
}

const whole = Buffer.concat([
  frame(1, `${time(1)} one\n`),
  frame(2, `${time(2)} trou`),
  frame(1, `${time(3)} two größe\r\n${time(4)} three\n`),
  frame(1, ''),
  frame(2, 'ble\n'),
  frame(1, `${time(5)} without an end`),
])

const expected = [
  `stdout ${time(1)} one`,
  `stdout ${time(3)} two größe`,
  `stdout ${time(4)} three`,
  `stderr ${time(2)} trouble`,
  `stdout ${time(5)} without an end`,
]

describe('logLines', () => {
  it('takes frames apart, whichever way they are cut', async () => {
    expect(await read([whole])).toEqual(expected)
    for (let size = 1; size < 40; size++) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
        whole.subarray(i * size, (i + 1) * size),
      )
      expect(await read(chunks)).toEqual(expected)
    }
  })

  it('reads the plain text of a terminal', async () => {
    expect(await read([Buffer.from(`${time(1)} on`), Buffer.from(`e\r\n${time(2)} two\r\n`)], true)).toEqual([
      `stdout ${time(1)} one`,
      `stdout ${time(2)} two`,
    ])
  })

  it('cuts a line that is too long, and does not wait for a frame that says it is', async () => {
    const long = frame(1, `${time(1)} ${'x'.repeat(200_000)}\n${time(2)} next\n`)
    const lines = await read([long])
    expect(lines[0]!.length).toBeLessThan(66_000)
    expect(lines[1]).toBe(`stdout ${time(2)} next`)
    const huge = Buffer.concat([Buffer.from([1, 0, 0, 0, 255, 255, 255, 255]), Buffer.from(`${time(1)} one\n`)])
    expect(await read([huge])).toEqual([`stdout ${time(1)} one`])
  })
})
