import type { Semantics } from '../semantics.js'
import type { TokenCursor } from './cursor.js'
import { spanning } from './span.js'
import type { Sink } from './tree.js'

const SINKS = '$upstream or BrokeredEndpoint("/modules/NAME/inputs/INPUT")'

/** Reads what follows INTO. */
export function parseSink(cursor: TokenCursor, semantics: Semantics): Sink | undefined {
  const token = cursor.current
  if (token.kind === 'system') {
    cursor.next()
    if (token.text.toLowerCase() === '$upstream') return { kind: 'upstream', start: token.start, end: token.end }
    cursor.fail(token, `${token.text} is no sink`, SINKS)
    return undefined
  }
  if (token.kind !== 'name') {
    cursor.unexpected(SINKS)
    return undefined
  }
  cursor.next()
  if (token.text.toLowerCase() !== 'brokeredendpoint') {
    cursor.fail(token, `${token.text} is no sink`, SINKS, spellingHint(token.text))
    return undefined
  }
  return parseEndpoint(cursor, token.start, semantics)
}

function parseEndpoint(cursor: TokenCursor, start: number, semantics: Semantics): Sink | undefined {
  if (cursor.take('(') === undefined) {
    cursor.unexpected('( and the path of an input')
    return undefined
  }
  const path = cursor.take('string')
  if (path === undefined) {
    cursor.unexpected('the path of an input in quotes', 'Write "/modules/NAME/inputs/INPUT".')
    return undefined
  }
  if (cursor.take(')') === undefined) {
    cursor.unexpected(')')
    return undefined
  }
  const text = semantics === 'iotedge' ? path.raw : path.value
  const [, moduleId, , input, ...rest] = text.trim().replace(/^\//, '').replace(/\/$/, '').split('/')
  if (!moduleId || !input || rest.length > 0) {
    cursor.fail(path, 'this is no path of an input', '"/modules/NAME/inputs/INPUT"')
    return undefined
  }
  return { kind: 'input', moduleId, input, path: text, ...spanning({ start, end: start }, cursor.previous) }
}

function spellingHint(name: string): string | undefined {
  return /brok|end|input|modul/i.test(name) ? 'Did you mean BrokeredEndpoint?' : undefined
}
