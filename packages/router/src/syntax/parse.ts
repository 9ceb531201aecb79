import type { Semantics } from '../semantics.js'
import { TokenCursor } from './cursor.js'
import { parseCondition } from './parse-condition.js'
import type { Problems } from './problem.js'
import { parseSink } from './sink.js'
import { spanning } from './span.js'
import type { Token } from './token.js'
import { tokenize } from './tokenize.js'
import { tokenizeOriginal } from './tokenize-original.js'
import type { Route, Segment, Sink, Source } from './tree.js'

/** What reading a rule needs to know. */
export interface ParseOptions {
  readonly semantics: Semantics
  /** Levels of nesting that a condition may have. */
  readonly depth: number
}

/** The clauses of a rule, as far as they could be read. */
export type ParsedRoute = { readonly [Clause in keyof Route]: Route[Clause] | undefined }

/**
 * Reads a rule. Everything wrong with it goes to `problems`; after a problem in one clause the next clause is read all
 * the same. Without problems, source and sink are there.
 */
export function parseRoute(text: string, problems: Problems, options: ParseOptions): ParsedRoute {
  const tokens = options.semantics === 'iotedge' ? tokenizeOriginal(text) : tokenize(text)
  const cursor = new TokenCursor(tokens, problems)
  const source = parseFrom(cursor)
  const hasCondition = cursor.take('WHERE') !== undefined
  const condition = hasCondition ? parseCondition(cursor, options) : undefined
  const sink = parseInto(cursor, options, hasCondition)
  return { source, condition, sink }
}

function parseFrom(cursor: TokenCursor): Source | undefined {
  if (cursor.take('SELECT') !== undefined && cursor.take('*') === undefined) {
    cursor.unexpected('*', 'A route passes whole messages on: SELECT * is all it may select.')
    cursor.skipTo('FROM', 'WHERE', 'INTO')
  }
  const from = cursor.take('FROM')
  if (from === undefined) cursor.unexpected('FROM')
  const source = from && parsePath(cursor)
  if (source !== undefined && !cursor.at('WHERE', 'INTO')) cursor.unexpected('WHERE or INTO', gluedKeyword(source))
  cursor.skipTo('WHERE', 'INTO')
  return source
}

function parsePath(cursor: TokenCursor): Source | undefined {
  const first = cursor.current
  const segments: Segment[] = []
  while (cursor.take('/') !== undefined) {
    const token = cursor.current
    if (token.kind !== '*' && token.kind !== 'name') {
      const hint = segments.length > 0 ? 'Remove the slash at the end, or write /*.' : 'Write /* for everything.'
      cursor.unexpected('a segment of the source', hint)
      return undefined
    }
    cursor.next()
    segments.push({ text: token.kind === 'name' ? token.text : '*', start: token.start, end: token.end })
  }
  if (segments.length > 0) return { segments, ...spanning(first, segments.at(-1)!) }
  cursor.unexpected('a source like /messages/*', 'A source begins with a slash.')
  return undefined
}

function gluedKeyword(source: Source): string | undefined {
  const keyword = /(where|into)$/i.exec(source.segments.at(-1)!.text)?.[0]
  return keyword === undefined ? undefined : `Put a blank before ${keyword}.`
}

function gluedSink(token: Token): string | undefined {
  return token.kind === 'name' && /^into\$/i.test(token.text) ? 'Put a blank after INTO.' : undefined
}

function parseInto(cursor: TokenCursor, options: ParseOptions, afterCondition: boolean): Sink | undefined {
  if (!cursor.at('INTO')) {
    cursor.unexpected(afterCondition ? 'an operator or INTO' : 'INTO', gluedSink(cursor.current))
    cursor.skipTo('INTO')
  }
  if (cursor.take('INTO') === undefined) return undefined
  const sink = parseSink(cursor, options.semantics)
  if (sink !== undefined && options.semantics === 'edgewright' && !cursor.at('end')) {
    cursor.unexpected('the end of the rule', 'Remove what follows the sink.')
  }
  return sink
}
