/** A value written down, or one that is found in a message. */
export type Operand<T> = T | Value<T>

/** A value of a message. */
export interface Value<T> {
  eq(other: Operand<T>): Condition
  ne(other: Operand<T>): Condition
  isDefined(): Condition
  isNull(): Condition
  /** This value, or the other where this one is undefined. */
  orElse(other: Operand<T>): ValueOf<T>
}

/** A value that has an order: numbers by size, texts by UTF-16 units. */
export interface OrderedValue<T> extends Value<T> {
  gt(other: Operand<T>): Condition
  gte(other: Operand<T>): Condition
  lt(other: Operand<T>): Condition
  lte(other: Operand<T>): Condition
}

/** A number of a message. */
export interface NumberValue extends OrderedValue<number> {
  plus(other: Operand<number>): NumberValue
  minus(other: Operand<number>): NumberValue
  times(other: Operand<number>): NumberValue
  dividedBy(other: Operand<number>): NumberValue
  modulo(other: Operand<number>): NumberValue
  power(exponent: Operand<number>): NumberValue
  negated(): NumberValue
  abs(): NumberValue
  ceiling(): NumberValue
  exp(): NumberValue
  floor(): NumberValue
  sign(): NumberValue
  sqrt(): NumberValue
  square(): NumberValue
}

/** A text of a message; properties are always texts. */
export interface TextValue extends OrderedValue<string> {
  startsWith(part: Operand<string>): Condition
  endsWith(part: Operand<string>): Condition
  contains(part: Operand<string>): Condition
  /** UTF-16 units before the first occurrence, -1 without one. */
  indexOf(part: Operand<string>): NumberValue
  /** In UTF-16 units. */
  length(): NumberValue
  lower(): TextValue
  upper(): TextValue
  substring(start: Operand<number>, length?: Operand<number>): TextValue
  concat(...others: readonly [Operand<string>, ...Operand<string>[]]): TextValue
  /** The number that the text spells, or undefined. */
  asNumber(): NumberValue
}

/** Something true, false or undefined of a message. */
export interface Condition extends Value<boolean> {
  and(...others: readonly [Condition, ...Condition[]]): Condition
  or(...others: readonly [Condition, ...Condition[]]): Condition
  not(): Condition
}

/** The methods of values of a type. */
export type ValueOf<T> = [T] extends [boolean]
  ? Condition
  : [T] extends [number]
    ? NumberValue
    : [T] extends [string]
      ? TextValue
      : Value<T>

type IsAny<T> = 0 extends 1 & T ? true : false
type Scalar = string | number | boolean | null

/** The body of a message, member by member. What may be absent or null is there as what it is otherwise. */
export type BodyOf<T> =
  IsAny<T> extends true
    ? // biome-ignore lint/suspicious/noExplicitAny: a payload typed any is searched unchecked, as its author asked.
      any
    : [T] extends [Scalar]
      ? ValueOf<T>
      : [T] extends [readonly (infer Element)[]]
        ? { readonly [index: number]: BodyOf<NonNullable<Element>> }
        : [T] extends [object]
          ? { readonly [Name in keyof T & string]-?: BodyOf<NonNullable<T[Name]>> }
          : Value<T>
