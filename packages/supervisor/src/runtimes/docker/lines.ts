import { EdgewrightError } from '@edgewright/core'

/** Characters of one line: the engine's are far shorter. */
const MAX_LINE = 4_194_304

/** The lines of a stream, without empty ones. What the stream fails with is thrown, where readline would tell nobody. */
export async function* linesOf(stream: AsyncIterable<string | Buffer>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
    const lines = rest.split('\n')
    rest = lines.pop()!
    if (rest.length > MAX_LINE) throw tooLong()
    for (const line of lines) if (line.trim() !== '') yield line
  }
  if (rest.trim() !== '') yield rest
}

function tooLong(): EdgewrightError {
  return new EdgewrightError('ENGINE_UNAVAILABLE', 'The container engine gives a line without an end', {
    remedy: 'Check what answers on its socket.',
  })
}
