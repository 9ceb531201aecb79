/** What an operand of a function may be; a value of the body may be any of them. */
export type OperandType = 'string' | 'number' | 'any'

/** One way to call a function. */
export interface Signature {
  readonly operands: readonly OperandType[]
  /** The last operand may be repeated. */
  readonly variadic?: true
}

/** A function of the language. */
export interface Builtin {
  readonly name: BuiltinName
  readonly result: 'string' | 'number' | 'bool'
  readonly signatures: readonly Signature[]
}

const N: Signature = { operands: ['number'] }
const S: Signature = { operands: ['string'] }
const SS: Signature = { operands: ['string', 'string'] }
const ANY: Signature = { operands: ['any'] }

const SIGNATURES = {
  abs: ['number', N],
  ceiling: ['number', N],
  exp: ['number', N],
  floor: ['number', N],
  power: ['number', { operands: ['number', 'number'] }],
  sign: ['number', N],
  sqrt: ['number', N],
  square: ['number', N],
  as_number: ['number', S, N],
  is_bool: ['bool', ANY],
  is_defined: ['bool', ANY],
  is_null: ['bool', ANY],
  is_number: ['bool', ANY],
  is_string: ['bool', ANY],
  concat: ['string', { operands: ['string', 'string'], variadic: true }],
  length: ['number', S],
  lower: ['string', S],
  upper: ['string', S],
  substring: ['string', { operands: ['string', 'number'] }, { operands: ['string', 'number', 'number'] }],
  index_of: ['number', SS],
  starts_with: ['bool', SS],
  ends_with: ['bool', SS],
  contains: ['bool', SS],
} as const satisfies Record<string, readonly [Builtin['result'], ...Signature[]]>

/** The name of a function of the language, in lower case. */
export type BuiltinName = keyof typeof SIGNATURES

/** The functions of the language by name. Source: hub reference, 1.9. */
export const BUILTINS: ReadonlyMap<string, Builtin> = new Map(
  Object.entries(SIGNATURES).map(([name, [result, ...signatures]]) => [
    name,
    { name: name as BuiltinName, result, signatures },
  ]),
)

/** How a function is called, for people: `power(number, number)`. */
export function describeSignature(name: string, signature: Signature): string {
  return `${name}(${signature.operands.join(', ')}${signature.variadic === undefined ? '' : ', …'})`
}
