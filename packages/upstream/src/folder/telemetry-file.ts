import { open } from 'node:fs/promises'
import { createMessage, type Message, type SystemProperties } from '@edgewright/core'

/** One line of a telemetry file: a message as JSON, its body in base64. */
interface Line {
  readonly body: string
  readonly properties?: readonly (readonly [string, string | null])[]
  readonly system?: SystemProperties
}

/** Appends messages to a file; resolves when they are durable. @throws what the file system says */
export async function appendMessages(path: string, messages: readonly Message[]): Promise<void> {
  const file = await open(path, 'a', 0o600)
  try {
    await file.appendFile(messages.map(message => `${JSON.stringify(lineOf(message))}\n`).join(''))
    await file.datasync()
  } finally {
    await file.close()
  }
}

/** Reads the messages of a file's text. A last line that was cut off is left out. */
export function parseMessages(text: string): readonly Message[] {
  const lines = text.split('\n').slice(0, -1)
  return lines.map(line => {
    const { body, properties = [], system = {} } = JSON.parse(line) as Line
    return createMessage({ body: Buffer.from(body, 'base64'), properties: new Map(properties), system })
  })
}

function lineOf({ body, properties, system }: Message): Line {
  return {
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'),
    ...(properties.size === 0 ? {} : { properties: [...properties] }),
    ...(Object.keys(system).length === 0 ? {} : { system }),
  }
}
