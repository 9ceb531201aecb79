/** A topic filter, taken apart at its slashes. Source: MQTT 3.1.1, section 4.7. */
export type FilterLevels = readonly string[]

/** Whether a text can be published on: not empty, no wildcard, no NUL. */
export function isTopicName(text: string): boolean {
  return text.length > 0 && !/[#+\0]/.test(text)
}

/** Levels of a topic or filter, however many may be allowed: aedes has no room for more. */
export const MAX_TOPIC_LEVELS = 100

/** Takes a filter apart; undefined when the text is none, or has too many levels. */
export function parseFilter(text: string): FilterLevels | undefined {
  if (text.length === 0 || text.includes('\0')) return undefined
  const levels = text.split('/')
  if (levels.length > MAX_TOPIC_LEVELS) return undefined
  const isWhole = (level: string, index: number) =>
    level === '+' || (level === '#' && index === levels.length - 1) || !/[#+]/.test(level)
  if (!levels.every(isWhole)) return undefined
  // They match the same topics, and the shorter one is easier to compare.
  return levels.length === 2 && levels[0] === '+' && levels[1] === '#' ? ['#'] : levels
}

/**
 * Whether a topic or filter is one that clients may share freely, if the policy lets them: neither IoT Hub's own, nor one
 * that starts with `$`.
 */
export function isFree(topicOrFilter: string): boolean {
  return !topicOrFilter.startsWith('$') && topicOrFilter !== 'devices' && !topicOrFilter.startsWith('devices/')
}

/** Whether a filter matches a topic that {@link isFree}. */
export function matchesTopic(filter: FilterLevels, topic: string): boolean {
  return covers(filter, topic.split('/'))
}

/** Whether every topic that `narrow` matches is matched by `wide` as well. */
export function covers(wide: FilterLevels, narrow: FilterLevels): boolean {
  for (let index = 0; ; index += 1) {
    const level = wide[index]
    if (level === '#') return true
    const other = narrow[index]
    if (level === undefined || other === undefined) return level === other
    if (other === '#' || (level !== '+' && level !== other)) return false
  }
}

/** Whether some topic is matched by both. */
export function overlaps(a: FilterLevels, b: FilterLevels): boolean {
  for (let index = 0; ; index += 1) {
    const one = a[index]
    const other = b[index]
    if (one === '#' || other === '#') return true
    if (one === undefined || other === undefined) return one === other
    if (one !== '+' && other !== '+' && one !== other) return false
  }
}
