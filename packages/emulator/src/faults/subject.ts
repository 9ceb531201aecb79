import type { Line } from '../network/line.js'
import type { FaultTarget } from './fault.js'
import type { Side } from './side.js'

/** Who or what a fault may hit, as far as it is known. */
export interface Subject {
  readonly line?: Line | undefined
  readonly side?: Side | undefined
  /** Key of an identity. */
  readonly identity?: string | undefined
  readonly transport?: FaultTarget['transport']
}

/** Whether a subject fits all that a target says. What is not known fits nothing that is said of it. */
export function fits(
  target: FaultTarget,
  { line, side, identity, transport = line?.info.transport }: Subject,
): boolean {
  return (
    (target.side === undefined || target.side === side) &&
    (target.identity === undefined || target.identity === identity) &&
    (target.connection === undefined || target.connection === line?.info.id) &&
    (target.transport === undefined || target.transport === transport)
  )
}
