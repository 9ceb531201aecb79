import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'
import { describeError } from '@edgewright/core'
import type { ModuleStatus } from '../../run/module-status.js'
import { hideInText } from '../hide-secrets.js'
import { reportedModule } from '../reported-module.js'
import type { Blob } from './blob-upload.js'
import type { LogFilter, LogRequest } from './log-request.js'
import { type LogSource, writeLog } from './module-logs.js'
import { type ZipEntry, zipOf } from './zip.js'

/** Which log is to become a blob. */
export interface LogBlobParts {
  readonly name: string
  readonly filter: LogFilter
  readonly request: LogRequest
  /** Milliseconds since 1970. */
  readonly now: number
  readonly signal: AbortSignal
}

/** What a support bundle holds. Times in milliseconds since 1970. */
export interface SupportBundleParts {
  readonly since: number | undefined
  readonly until: number | undefined
  readonly status: readonly ModuleStatus[]
  readonly now: number
  readonly signal: AbortSignal
}

/** The most that a support bundle takes of one module's log, in characters: the last lines count. */
const MAX_BUNDLED_LOG = 4_194_304

/** Lines that a support bundle takes of one module's log. */
const BUNDLED_LINES = 20_000

/** A module's log as a blob, made while it is read. */
export function logBlob(source: LogSource, { name, filter, request, now, signal }: LogBlobParts): Blob {
  const { encoding, contentType } = request
  const text = writeLog(source, name, filter, contentType, signal)
  const ending = `${contentType === 'json' ? '.json' : '.log'}${encoding === 'gzip' ? '.gz' : ''}`
  const bytes = Readable.from(text, { objectMode: false })
  return {
    name: `${source.hub}/${source.deviceId}/${name}-${blobTime(now)}${ending}`,
    contentType: encoding === 'gzip' ? 'application/gzip' : contentType === 'json' ? 'application/json' : 'text/plain',
    content: encoding === 'gzip' ? compressed(bytes) : bytes,
  }
}

/** How all modules fare and what they wrote, as one archive. Secrets that modules write into their logs stay there. */
export async function supportBundle(source: LogSource, parts: SupportBundleParts): Promise<Blob> {
  const { since, until, status, now, signal } = parts
  const filter = { tail: BUNDLED_LINES, since, until, level: undefined, regex: undefined }
  const modules = Object.fromEntries(
    status.map(module => [module.name, reportedModule(undefined, module, 'everything')]),
  )
  const entries: ZipEntry[] = [{ name: 'modules.json', content: Buffer.from(JSON.stringify(modules, undefined, 2)) }]
  for (const name of source.names()) {
    const content = await gathered(writeLog(source, name, filter, 'text', signal)).catch(error =>
      hideInText(describeError(error)),
    )
    entries.push({ name: `logs/${name}.log`, content: Buffer.from(content) })
  }
  return {
    name: `support-bundle-${blobTime(now)}.zip`,
    contentType: 'application/zip',
    content: Readable.from([zipOf(entries)]),
  }
}

function compressed(bytes: Readable): AsyncIterable<Uint8Array> {
  const gzip = createGzip()
  bytes.once('error', error => gzip.destroy(error))
  return bytes.pipe(gzip)
}

async function gathered(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text = (text + piece).slice(-MAX_BUNDLED_LOG)
  return text
}

/** Source: IoT Edge, `yyyy-MM-dd--HH-mm-ss`. */
function blobTime(now: number): string {
  return new Date(now).toISOString().slice(0, 19).replace('T', '--').replaceAll(':', '-')
}
