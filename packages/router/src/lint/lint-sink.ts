import { closest } from '../check/suggest.js'
import type { CompiledRoute } from '../compile/compiled-route.js'
import type { ModuleNames } from './lint-source.js'
import type { Finding } from './warning.js'

const PATH = /^\s*\/?modules\/[^/]*\/inputs\/[^/]*\/?\s*$/

/** Findings about where a route leads. */
export function lintSink({ tree: { sink } }: CompiledRoute, modules: ModuleNames | undefined): Finding[] {
  if (sink.kind === 'upstream') return []
  const findings: Finding[] = []
  const { moduleId, input } = sink
  if (!PATH.test(sink.path)) {
    const hint = `Write "/modules/${moduleId}/inputs/${input}".`
    findings.push({ code: 'unusual', span: sink, message: 'the path of an input is spelled differently', hint })
  }
  if (modules !== undefined && !modules.ids.has(moduleId)) {
    const similar = closest(moduleId, modules.ids)
    const hint = similar === undefined ? 'Its messages wait until there is one.' : `Did you mean ${similar}?`
    findings.push({ code: 'unknown-module', span: sink, message: `the deployment has no module ${moduleId}`, hint })
  }
  return findings
}
