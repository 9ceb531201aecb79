import { crc32, deflateRawSync } from 'node:zlib'

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string
  readonly content: Uint8Array
}

const UTF8_NAMES = 0x0800
const DEFLATE = 8
const VERSION = 20
/** 1980-01-01, the first day that the format knows: when files were made says nothing here. */
const DATE = 0x0021

/** An archive in the ZIP format, of less than 4 GiB. Source: PKWARE APPNOTE 6.3, sections 4.3 and 4.4. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const files: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, content } of entries) {
    const file = Buffer.from(name, 'utf8')
    const packed = deflateRawSync(content)
    const common = commonFields(file, content, packed)
    const local = Buffer.concat([numbers(['w', 0x04034b50]), common, file, packed])
    directory.push(
      Buffer.concat([
        numbers(['w', 0x02014b50], ['h', VERSION]),
        common,
        numbers(['h', 0], ['h', 0], ['h', 0], ['w', 0], ['w', offset]),
        file,
      ]),
    )
    files.push(local)
    offset += local.length
  }
  const central = Buffer.concat(directory)
  const counts = [entries.length, entries.length].map(count => ['h', count] as const)
  const end = numbers(['w', 0x06054b50], ['h', 0], ['h', 0], ...counts, ['w', central.length], ['w', offset], ['h', 0])
  return Buffer.concat([...files, central, end])
}

/** What stands alike before a file and in the directory; the extra field is empty. */
function commonFields(name: Buffer, content: Uint8Array, packed: Buffer): Buffer {
  return numbers(
    ['h', VERSION],
    ['h', UTF8_NAMES],
    ['h', DEFLATE],
    ['h', 0],
    ['h', DATE],
    ['w', crc32(content)],
    ['w', packed.length],
    ['w', content.byteLength],
    ['h', name.length],
    ['h', 0],
  )
}

/** Numbers one after the other, little-endian: words of 4 bytes and halves of 2. */
function numbers(...fields: readonly (readonly ['w' | 'h', number])[]): Buffer {
  return Buffer.concat(
    fields.map(([size, value]) => {
      const bytes = Buffer.alloc(size === 'w' ? 4 : 2)
      if (size === 'w') bytes.writeUInt32LE(value)
      else bytes.writeUInt16LE(value)
      return bytes
    }),
  )
}
