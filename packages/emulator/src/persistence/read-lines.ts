import { readFile } from 'node:fs/promises'
import { EdgewrightError, type JsonValue } from '@edgewright/core'

/**
 * The JSON lines of a file; none when there is no file. A last line without its end was being written when the process
 * stopped: nobody was told that it is kept, and it is passed over.
 *
 * @throws `EMULATOR_DATA_DAMAGED`
 */
export async function readLines(path: string): Promise<readonly JsonValue[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  const lines = text.split('\n')
  lines.pop()
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as JsonValue
    } catch (cause) {
      throw new EdgewrightError('EMULATOR_DATA_DAMAGED', `Line ${index + 1} of ${path} cannot be read`, {
        place: `${path}:${index + 1}`,
        cause,
        remedy: 'Put the file back from a copy, or remove the folder to begin anew.',
      })
    }
  })
}
