import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestCertificates } from '@edgewright/testkit'
import { type ServerProcess, spawnMosquitto } from './server-process.js'

/** Mosquitto without persistence and without limits; undefined where it is not installed. @param tls - over TLS, with these */
export async function startMosquitto(tls?: TestCertificates): Promise<ServerProcess | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-mosquitto-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const file = (name: string) => join(folder, name)
  if (tls !== undefined) {
    await writeFile(file('cert.pem'), tls.cert)
    await writeFile(file('key.pem'), tls.key, { mode: 0o644 })
  }
  await writeFile(file('mosquitto.conf'), '')
  const server = await spawnMosquitto(async port => {
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'persistence false',
      'max_inflight_messages 0',
      'max_queued_messages 0',
      // It gives up being root, and must still find its files.
      'user root',
      ...(tls === undefined ? [] : [`certfile ${file('cert.pem')}`, `keyfile ${file('key.pem')}`]),
    ]
    await writeFile(file('mosquitto.conf'), `${lines.join('\n')}\n`)
    return ['-c', file('mosquitto.conf')]
  })
  if (server === undefined) {
    await remove()
    return undefined
  }
  const stop = server[Symbol.asyncDispose].bind(server)
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await stop()
      await remove()
    },
  }
}
