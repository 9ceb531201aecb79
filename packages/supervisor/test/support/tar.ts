/** One file of an archive. */
export interface TarEntry {
  readonly path: string
  readonly mode: number
  readonly content: Uint8Array
}

const BLOCK = 512

/** An archive in the format that the engine imports. Source: POSIX.1-1988, ustar. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(entry => [headerOf(entry), padded(entry.content)])
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])
}

function headerOf({ path, mode, content }: TarEntry): Buffer {
  const header = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number) =>
    header.write(value.toString(8).padStart(length - 1, '0'), at, 'latin1')
  header.write(path, 0, 100)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(content.byteLength, 124, 12)
  octal(0, 136, 12)
  header.write('        0', 148, 'latin1')
  header.write('ustar\u000000', 257, 'latin1')
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  )
  return header
}

function padded(content: Uint8Array): Buffer {
  const whole = Math.ceil(content.byteLength / BLOCK) * BLOCK
  return Buffer.concat([content, Buffer.alloc(whole - content.byteLength)])
}
