import { gzipSync } from 'node:zlib'
import {
  type Clock,
  describeError,
  EdgewrightError,
  isJsonObject,
  type JsonObject,
  type JsonValue,
  type Logger,
  type MethodRequest,
  type MethodResponse,
  silentLogger,
  systemClock,
} from '@edgewright/core'
import type { Supervisor } from '../../run/supervisor.js'
import { hideInText } from '../hide-secrets.js'
import { AgentTasks } from './agent-tasks.js'
import type { BlobUpload } from './blob-upload.js'
import { logBlob, supportBundle } from './log-blobs.js'
import { member, readLogRequest, readTime, requiredText } from './log-request.js'
import { badRequest } from './method-refusal.js'
import { type LogSource, selectModules, writeLog } from './module-logs.js'

/** What {@link AgentMethods} work with. */
export interface AgentMethodsComponents {
  readonly supervisor: Pick<Supervisor, 'status' | 'restart' | 'logs'>
  /** Host name of the hub, as log lines and names of blobs have it. */
  readonly hub: string
  readonly deviceId: string
  /** Takes what is uploaded. @default the upload methods are answered with 501 */
  readonly upload?: BlobUpload
  readonly clock?: Clock
  readonly logger?: Logger
}

/** The largest answer, in bytes. Source: IoT Hub takes 128 KiB. */
const MAX_RESPONSE = 127_000

/** What is read of logs for one compressed answer, in characters. */
const MAX_UNCOMPRESSED = 16_777_216

type Method = (payload: JsonObject, signal: AbortSignal) => Promise<JsonValue | undefined>

/**
 * The direct methods of `$edgeAgent`: `ping`, `RestartModule`, `GetModuleLogs`, `UploadModuleLogs`,
 * `UploadSupportBundle`, `GetTaskStatus`. Source: IoT Edge, built-in direct methods. Where it says that a level of logs
 * means that level alone, here it means that level and graver, as its documentation has it.
 */
export class AgentMethods {
  readonly #parts: AgentMethodsComponents
  readonly #clock: Clock
  readonly #source: LogSource
  readonly #tasks = new AgentTasks()
  readonly #methods: ReadonlyMap<string, Method>

  constructor(components: AgentMethodsComponents) {
    const { supervisor, hub, deviceId } = components
    this.#parts = components
    this.#clock = components.clock ?? systemClock
    this.#source = {
      names: () => supervisor.status().flatMap(({ name, observation }) => (observation === undefined ? [] : [name])),
      logs: (name, query, signal) => supervisor.logs(name, query, signal),
      hub,
      deviceId,
    }
    this.#methods = new Map<string, Method>([
      ['ping', async () => undefined],
      ['restartmodule', payload => this.#restart(payload)],
      ['getmodulelogs', (payload, signal) => this.#getLogs(payload, signal)],
      ['uploadmodulelogs', async payload => this.#uploadLogs(payload)],
      ['uploadsupportbundle', async payload => this.#uploadBundle(payload)],
      ['gettaskstatus', async payload => this.#tasks.status(requiredText(versioned(payload), 'correlationId'))],
    ])
  }

  /** Answers a method. Never rejects. */
  readonly handle = async (request: MethodRequest, signal: AbortSignal): Promise<MethodResponse> => {
    const method = this.#methods.get(request.name.toLowerCase())
    const isPing = request.name.toLowerCase() === 'ping'
    try {
      if (method === undefined) throw unknownMethod(request.name)
      if (!isPing && !isJsonObject(request.payload)) throw badRequest('The payload is missing, or no JSON object')
      return { status: 200, payload: (await method(request.payload as JsonObject, signal)) ?? null }
    } catch (error) {
      const logger = this.#parts.logger ?? silentLogger
      logger.log('warn', 'A method of the agent failed', { method: request.name, error: describeError(error) })
      return { status: statusOf(error), payload: { message: hideInText(describeError(error)) } }
    }
  }

  /** Gives up uploads that are under way. */
  async stop(): Promise<void> {
    await this.#tasks.stop()
  }

  async #restart(payload: JsonObject): Promise<undefined> {
    await this.#parts.supervisor.restart(requiredText(versioned(payload), 'id'))
  }

  async #getLogs(payload: JsonObject, signal: AbortSignal): Promise<JsonValue> {
    const { items, encoding, contentType } = readLogRequest(versioned(payload), this.#clock.now())
    let left = encoding === 'gzip' ? MAX_UNCOMPRESSED : MAX_RESPONSE
    const answers: JsonObject[] = []
    for (const [id, filter] of selectModules(items, this.#source.names())) {
      const pieces: string[] = []
      for await (const piece of writeLog(this.#source, id, filter, contentType, signal)) {
        pieces.push(piece)
        left -= piece.length
        if (left < 0) throw tooLarge()
      }
      const text = pieces.join('')
      const isPlain = encoding === 'none'
      const payloadBytes = isPlain ? null : gzipSync(text).toString('base64')
      answers.push({ id, payload: isPlain ? text : null, payloadBytes })
    }
    if (Buffer.byteLength(JSON.stringify(answers)) > MAX_RESPONSE) throw tooLarge()
    return answers
  }

  #uploadLogs(payload: JsonObject): JsonObject {
    const upload = this.#upload()
    const request = readLogRequest(versioned(payload), this.#clock.now())
    const sasUrl = requiredText(payload, 'sasUrl')
    return this.#tasks.begin(async signal => {
      for (const [name, filter] of selectModules(request.items, this.#source.names())) {
        await upload.put(
          sasUrl,
          logBlob(this.#source, { name, filter, request, now: this.#clock.now(), signal }),
          signal,
        )
      }
    })
  }

  #uploadBundle(payload: JsonObject): JsonObject {
    const upload = this.#upload()
    const now = this.#clock.now()
    const since = readTime(member(payload, 'since'), 'since', now)
    const until = readTime(member(payload, 'until'), 'until', now)
    const sasUrl = requiredText(payload, 'sasUrl')
    const status = this.#parts.supervisor.status()
    return this.#tasks.begin(async signal => {
      await upload.put(sasUrl, await supportBundle(this.#source, { since, until, status, now, signal }), signal)
    })
  }

  #upload(): BlobUpload {
    if (this.#parts.upload !== undefined) return this.#parts.upload
    throw new EdgewrightError('UPLOAD_NOT_CONFIGURED', 'This gateway uploads nothing', {
      remedy: 'Give the agent an upload.',
    })
  }
}

/** A payload whose schema version is understood. */
function versioned(payload: JsonObject): JsonObject {
  const version = member(payload, 'schemaVersion')
  if (/^1(\.\d+)*$/.test(String(version ?? ''))) return payload
  throw new EdgewrightError('METHOD_VERSION_UNKNOWN', 'Only schemaVersion 1.0 is understood', {
    remedy: 'Give "schemaVersion": "1.0".',
  })
}

function statusOf(error: unknown): number {
  if (EdgewrightError.is(error, 'UPLOAD_NOT_CONFIGURED')) return 501
  const isCallersFault = EdgewrightError.is(error, 'METHOD_PAYLOAD_INVALID')
  return isCallersFault ? 400 : 500
}

function unknownMethod(name: string): EdgewrightError {
  const supported = 'ping, RestartModule, GetModuleLogs, UploadModuleLogs, UploadSupportBundle, GetTaskStatus'
  return badRequest(`Command '${name}' not found. The supported commands are - ${supported}`)
}

function tooLarge(): EdgewrightError {
  return badRequest(`The logs are larger than an answer may be (${MAX_RESPONSE} bytes): ask for fewer lines, or upload`)
}
