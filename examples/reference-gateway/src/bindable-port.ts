import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Logger } from 'edgewright'

/**
 * The port itself or, where this user has no right to bind it, 0 for any free one, with a warning that tells how to get
 * the right. A port that is taken is given as it is: whoever binds it says so better.
 */
export async function bindablePort(address: string, port: number, logger: Logger): Promise<number> {
  const server = createServer()
  try {
    server.listen(port, address)
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') return port
    logger.log(
      'warn',
      `port ${port} of ${address} may not be bound: any free one is taken, where Azure SDKs do not look`,
      {
        remedy: 'run `sysctl net.ipv4.ip_unprivileged_port_start=0` as root',
      },
    )
    return 0
  }
  return port
}
