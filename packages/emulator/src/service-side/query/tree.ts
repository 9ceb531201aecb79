/** A value in a query: a constant, or what stands at a path of the document. */
export type Operand =
  | { readonly kind: 'constant'; readonly value: string | number | boolean | null }
  | { readonly kind: 'path'; readonly path: readonly string[] }

/** How two values are compared. */
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

/** A function of a path that is true or false. */
export type Predicate = 'is_defined' | 'is_null' | 'is_bool' | 'is_number' | 'is_string' | 'is_object' | 'is_primitive'

/** A condition of a query. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'in'; readonly value: Operand; readonly list: readonly Operand[]; readonly negated: boolean }
  | { readonly kind: 'predicate'; readonly name: Predicate; readonly path: readonly string[] }
  | { readonly kind: 'startsWith' | 'endsWith' | 'contains'; readonly value: Operand; readonly part: Operand }

/** One thing a query selects, and what it is called in the result. */
export type Selection =
  | { readonly kind: 'path'; readonly path: readonly string[]; readonly name: string }
  | {
      readonly kind: 'aggregate'
      readonly aggregate: 'count' | 'sum' | 'avg' | 'min' | 'max'
      readonly path: readonly string[] | undefined
      readonly name: string
    }

/** A query, taken apart. */
export interface Query {
  /** The most results; absent: all. */
  readonly top?: number | undefined
  /** Absent: everything. */
  readonly selections?: readonly Selection[] | undefined
  /** The collection, in lower case: `devices`, `devices.modules`, … */
  readonly from: string
  readonly where?: Condition | undefined
  readonly groupBy: readonly (readonly string[])[]
}
