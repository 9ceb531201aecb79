import { ANY_SEGMENT, type SourcePattern } from '../check/source-pattern.js'
import type { CompiledRoute } from '../compile/compiled-route.js'
import { foldCase } from '../fold-case.js'
import type { Finding } from './warning.js'

/** The modules of a deployment. */
export interface ModuleNames {
  readonly ids: ReadonlySet<string>
  /** The ids as sources compare them. */
  readonly folded: ReadonlySet<string>
}

/** The paths that messages can have. Source: hub reference, 1.3. */
const TWIN_CHANGES: SourcePattern = ['twinchangenotifications']
const OUTPUTS: SourcePattern = ['messages', 'modules', ANY_SEGMENT, 'outputs']

/** Whether messages about changed twins can match a pattern. */
export function takesTwinChanges(pattern: SourcePattern): boolean {
  return pattern.length === 0 || (pattern.length === 1 && [ANY_SEGMENT, ...TWIN_CHANGES].includes(pattern[0]!))
}

/** Whether telemetry can match a pattern. */
export function takesTelemetry(pattern: SourcePattern): boolean {
  return OUTPUTS.every((segment, at) => {
    const wanted = pattern[at]
    return wanted === undefined || wanted === ANY_SEGMENT || segment === ANY_SEGMENT || wanted === segment
  })
}

/** Findings about where a route takes its messages from. */
export function lintSource({ pattern, tree }: CompiledRoute, modules: ModuleNames | undefined): Finding[] {
  const span = tree.source
  const literalStar = pattern.some(segment => segment?.includes('*'))
  if (literalStar) {
    const message = 'a star inside a source is a letter to IoT Edge: the route never matches'
    return [{ code: 'never-matches', span, message }]
  }
  if (!takesTelemetry(pattern) && !takesTwinChanges(pattern)) {
    return [{ code: 'unknown-source', span, message: 'no message comes from there', hint: hintFor(pattern) }]
  }
  return unknownModule(tree.source.segments[2], modules)
}

function hintFor([first, second]: SourcePattern): string {
  if (first === 'messages' && second === 'events') return 'Write /messages/* for all telemetry.'
  if (first === 'devices' || second === 'devices') {
    return "Write /messages/* and ask for the device in the condition: $connectionDeviceId = 'NAME'."
  }
  return 'Sources are /messages/*, /messages/modules/NAME/outputs/OUTPUT and /twinChangeNotifications.'
}

function unknownModule(
  segment: CompiledRoute['tree']['source']['segments'][number] | undefined,
  modules: ModuleNames | undefined,
): Finding[] {
  if (modules === undefined || segment === undefined || segment.text === '*') return []
  if (modules.folded.has(foldCase(segment.text))) return []
  const message = `the deployment has no module ${segment.text}`
  return [{ code: 'unknown-module', span: segment, message, hint: 'A nested device may have one.' }]
}
