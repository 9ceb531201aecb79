import type { LaneShape } from '../network/lane.js'
import type { FaultEffect } from './fault.js'

/** What several faults together do to a connection's bytes; undefined when they do nothing to them. */
export function lineShape(effects: readonly FaultEffect[], random: () => number): LaneShape | undefined {
  const delays = effects.filter(effect => effect.kind === 'delay')
  const rates = effects.filter(effect => effect.kind === 'slow')
  const isSilent = effects.some(effect => effect.kind === 'silence')
  if (!isSilent && delays.length === 0 && rates.length === 0) return undefined
  return {
    isSilent,
    delay: () => delays.reduce((sum, { milliseconds, jitter = 0 }) => sum + milliseconds + random() * jitter, 0),
    bytesPerSecond: Math.min(Number.POSITIVE_INFINITY, ...rates.map(({ bytesPerSecond }) => bytesPerSecond)),
  }
}
