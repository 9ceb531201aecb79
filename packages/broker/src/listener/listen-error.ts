import { EdgewrightError } from '@edgewright/core'
import type { ListenAddress } from './listener.js'

/** Turns what the system said to a failed listen into an error with a place and a remedy. */
export function listenError(cause: NodeJS.ErrnoException, listen: ListenAddress): EdgewrightError {
  const place = `${listen.address}:${listen.port}`
  switch (cause.code) {
    case 'EACCES':
      return new EdgewrightError('LISTEN_DENIED', `May not listen on ${place}`, { place, cause, remedy: PRIVILEGE })
    case 'EADDRINUSE':
      return new EdgewrightError('LISTEN_IN_USE', `Something else listens on ${place}`, {
        place,
        cause,
        remedy: `Stop it (\`ss -ltnp 'sport = :${listen.port}'\` names it), or listen on another address or port.`,
      })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new EdgewrightError('LISTEN_ADDRESS', `${listen.address} is not an address of this machine`, {
        place,
        cause,
        remedy: 'Listen on an address that `ip address` shows, on 0.0.0.0 for all of IPv4, or on :: for all.',
      })
    default:
      return new EdgewrightError('LISTEN_FAILED', `Cannot listen on ${place}: ${cause.message}`, { place, cause })
  }
}

const PRIVILEGE =
  'Ports below 1024 need a right: run `sysctl net.ipv4.ip_unprivileged_port_start=0`, give the process ' +
  'CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE), or run it as root.'
