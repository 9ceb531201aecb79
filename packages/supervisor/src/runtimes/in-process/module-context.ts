import type {
  ApplicationProperties,
  Duration,
  JsonObject,
  JsonValue,
  Logger,
  Message,
  MethodResponse,
  Settlement,
  SystemProperties,
  Twin,
  TwinPatch,
} from '@edgewright/core'

/** A module inside the program. It runs until it returns; when it throws it has crashed, and only it. */
export type ModuleFunction = (context: ModuleContext) => Promise<void>

/** What a module function gets to work with. Everything in it ends with the run that it was made for. */
export interface ModuleContext {
  readonly name: string
  readonly environment: Readonly<Record<string, string>>
  /** Aborted when the module is to end; what it does before it returns still counts, within its time. */
  readonly signal: AbortSignal
  /** Writes to the module's own log, and to the gateway's with the module's name. */
  readonly logger: Logger
  readonly twin: ModuleTwin
  output(name: string): ModuleOutput
  /**
   * The messages routed to an input, in order. A message is completed when the loop comes back for the next one;
   * when the loop is left on the way, by `break` or by an error, it is given again.
   */
  input(name: string): AsyncIterable<ReceivedMessage>
  /** Answers a direct method from now on. What the handler throws is answered with status 500. */
  method(name: string, handler: ModuleMethod): Promise<void>
  /** Beats at a steady pace, the first time after one period, until the module is to end. Missed beats are left out. */
  every(period: Duration): AsyncIterable<number>
}

/** Where a module's messages leave it. */
export interface ModuleOutput {
  /**
   * Sends one message: bytes as they are, anything else as JSON. Resolves when it is durable.
   *
   * @throws the hub's reason when it is refused: `MESSAGE_TOO_LARGE`, `STORE_FULL`, …
   */
  send(content: Uint8Array | JsonValue, parts?: MessageParts): Promise<void>
  /** Sends messages on as they are, in order. Resolves when all are durable. */
  forward(messages: readonly Message[]): Promise<void>
}

/** What a message carries beside its body. */
export interface MessageParts {
  readonly properties?: ApplicationProperties | Readonly<Record<string, string | null>>
  readonly system?: SystemProperties
}

/** A message on an input. */
export interface ReceivedMessage {
  readonly message: Message
  /** Whether it may have been given before. */
  readonly redelivered: boolean
  /** The body read as JSON. @throws SyntaxError */
  json(): JsonValue
  /** Settles it otherwise than the loop would, such as `rejected` for one that can never be handled. */
  settle(settlement: Settlement): void
}

/** A module's own twin. */
export interface ModuleTwin {
  /** @throws `TWIN_UNAVAILABLE` */
  get(): Promise<Twin>
  report(patch: JsonObject): Promise<void>
  /** Changes of the desired properties from when the loop begins. A reader far behind misses the oldest: versions then jump. */
  changes(): AsyncIterable<TwinPatch>
}

/** Answers a direct method. */
export type ModuleMethod = (
  payload: JsonValue | undefined,
  signal: AbortSignal,
) => MethodResponse | Promise<MethodResponse>
