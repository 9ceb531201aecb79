import { spawn } from 'node:child_process'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ended, freePort, listening, type ServerProcess, serverProcess } from './server-process.js'

/** Where Debian has it, without the wrapper that changes users. */
const PROGRAM = '/usr/lib/rabbitmq/bin/rabbitmq-server'

/**
 * RabbitMQ with its AMQP 1.0 plugin on loopback, with a folder of its own; undefined where it is not installed. The port
 * mapper that Erlang needs is started beside it, because it would start one that stays.
 */
export async function startRabbitMq(): Promise<ServerProcess | undefined> {
  if (!existsSync(PROGRAM)) return undefined
  const folder = await mkdtemp(join(tmpdir(), 'edgewright-rabbitmq-'))
  const [port, mapperPort, distributionPort] = [await freePort(), await freePort(), await freePort()]
  await mkdir(join(folder, 'log'))
  await writeFile(join(folder, 'enabled_plugins'), '[rabbitmq_amqp1_0].\n')
  await writeFile(join(folder, 'rabbitmq.conf'), 'disk_free_limit.absolute = 10MB\n')
  const env = {
    ...process.env,
    HOME: folder,
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_ALLOW_INPUT: '1',
    RABBITMQ_NODENAME: 'bench@localhost',
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-noinput',
  }
  const mapper = spawn('epmd', [], { env, stdio: 'ignore' })
  await listening(mapperPort)
  const child = spawn(PROGRAM, [], { env, stdio: 'ignore' })
  await listening(port)
  return {
    ...serverProcess(child, port),
    async [Symbol.asyncDispose]() {
      await ended(child)
      await ended(mapper)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
