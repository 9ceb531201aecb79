/** Something that recovery, a read or a verification found wrong with a file. */
export interface Finding {
  readonly kind: /** Bytes that are not as they were written. */
    | 'damaged'
    /** The end of the log, cut off by a crash before anybody was told that it is safe. */
    | 'torn'
    /** Entries or rows that wait, while what they refer to is gone. */
    | 'lost'
  /** Name of the file, without its folder; absent when it is gone. */
  readonly file?: string | undefined
  /** First byte, and how many. */
  readonly offset: number
  readonly bytes: number
  /** Whether a copy is kept in the folder `quarantine`, as far as there is room. */
  readonly isSetAside: boolean
  /** The consequence, for a person. */
  readonly detail: string
}
