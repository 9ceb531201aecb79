import { HubError } from '../../state/hub-error.js'

/** A piece of a query. */
export type Token =
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'symbol'; readonly text: string }

/** The longest query, in characters. */
export const MAX_QUERY_LENGTH = 8_192

const PATTERN =
  /\s*(?:(?<word>\$?[A-Za-z_][\w$-]*)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|'(?<single>(?:[^'\\]|\\.|'')*)'|"(?<double>(?:[^"\\]|\\.)*)"|(?<symbol><=|>=|<>|!=|[=<>()[\],.*+]))/y

/** Takes a query apart. @throws `HUB_ARGUMENT_INVALID` with the place */
export function tokenize(text: string): readonly Token[] {
  if (text.length > MAX_QUERY_LENGTH)
    throw new HubError('ArgumentInvalid', `A query may hold ${MAX_QUERY_LENGTH} characters`)
  const tokens: Token[] = []
  const pattern = new RegExp(PATTERN)
  const end = text.trimEnd().length
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex
    const groups = pattern.exec(text)?.groups
    if (groups === undefined) throw new HubError('ArgumentInvalid', `The query cannot be read at character ${at + 1}`)
    tokens.push(tokenOf(groups))
  }
  return tokens
}

function tokenOf({ word, number, single, double, symbol }: Record<string, string | undefined>): Token {
  if (word !== undefined) return { kind: 'word', text: word }
  if (number !== undefined) return { kind: 'number', value: Number(number) }
  if (symbol !== undefined) return { kind: 'symbol', text: symbol }
  const quoted = single ?? double ?? ''
  return { kind: 'string', value: quoted.replaceAll("''", "'").replace(/\\(.)/g, '$1') }
}
