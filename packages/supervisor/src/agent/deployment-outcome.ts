import type { ManifestError } from '../manifest/manifest-error.js'
import type { ModuleStatus } from '../run/module-status.js'
import { hideInText } from './hide-secrets.js'

/** What came of a deployment, in the original's codes. Source: `lastDesiredVersion` and `lastDesiredStatus`. */
export interface DeploymentOutcome {
  /** Version of the desired properties that the code is about. */
  readonly version: number
  /** 200 carried out, 400, 412 and 417 refused, 406 not known, 500 something failed. */
  readonly code: 200 | 400 | 406 | 412 | 417 | 500
  readonly description: string
}

/** What is known of a deployment. */
export interface OutcomeParts {
  /** What was reported last. */
  readonly previous: DeploymentOutcome
  /** Version of the newest desired properties. */
  readonly version: number
  /** Why they cannot be used; absent when they can. */
  readonly refusal: ManifestError | undefined
  readonly modules: readonly ModuleStatus[]
}

/** Before anything is known. */
export const NO_OUTCOME: DeploymentOutcome = Object.freeze({
  version: 0,
  code: 406,
  description: 'Nothing is known yet',
})

/** The longest description, in characters: the hub takes 4 KiB a text. */
const MAX_DESCRIPTION = 1_000

/**
 * What is to be told of a deployment. While it is carried out, and nothing has failed, what was told before stands; one
 * that is refused is told with its own version, where the original keeps the older one.
 */
export function outcomeOf({ previous, version, refusal, modules }: OutcomeParts): DeploymentOutcome {
  if (refusal !== undefined) {
    const description = refusal.problems.map(({ message }) => message).join('; ')
    return { version, code: refusal.status, description: shortened(description) }
  }
  const failures = modules.flatMap(({ name, failure }) => (failure === undefined ? [] : [`${name}: ${failure}`]))
  if (failures.length > 0) return { version, code: 500, description: shortened(hideInText(failures.join('; '))) }
  return modules.some(isUnderWay) ? previous : { version, code: 200, description: '' }
}

/** Whether a module is yet to be brought to where the deployment wants it. Restarts are no part of that. */
function isUnderWay({ action, state }: ModuleStatus): boolean {
  return state === 'created' ? action === 'start' : ['create', 'update', 'remove', 'stop'].includes(action)
}

function shortened(text: string): string {
  return text.length <= MAX_DESCRIPTION ? text : `${text.slice(0, MAX_DESCRIPTION - 1)}…`
}
