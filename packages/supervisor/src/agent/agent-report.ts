import { arch, platform } from 'node:os'
import type { JsonObject } from '@edgewright/core'
import type { Deployment } from '../manifest/deployment.js'
import type { ManifestError } from '../manifest/manifest-error.js'
import type { ModuleStatus } from '../run/module-status.js'
import { type DeploymentOutcome, NO_OUTCOME, outcomeOf } from './deployment-outcome.js'
import { reportedDocument } from './reported-document.js'

/** What an {@link AgentReport} is written of. */
export interface ReportSources {
  /** Version of the newest desired properties; 0 when there are none. */
  readonly version: number
  readonly refusal: ManifestError | undefined
  readonly deployment: Deployment | undefined
  readonly modules: readonly ModuleStatus[]
}

/** Writes what the agent tells the cloud, and remembers what it told of the deployment last. */
export class AgentReport {
  readonly #version: string
  #outcome: DeploymentOutcome = NO_OUTCOME
  #startedAt = 0

  /** @param version - of the agent */
  constructor(version: string) {
    this.#version = version
  }

  /** The agent has started. @param now - milliseconds since 1970 */
  begin(now: number): void {
    this.#startedAt = now
    this.#outcome = NO_OUTCOME
  }

  /** How everything stands. */
  write({ version, refusal, deployment, modules }: ReportSources): JsonObject {
    this.#outcome = outcomeOf({ previous: this.#outcome, version, refusal, modules })
    return this.#document(this.#outcome, deployment, modules)
  }

  /** The agent goes, and nothing is known of modules any more. */
  farewell(deployment: Deployment | undefined): JsonObject {
    const { version } = this.#outcome
    return this.#document({ version, code: 406, description: 'Agent is not running' }, deployment, [])
  }

  #document(
    outcome: DeploymentOutcome,
    deployment: Deployment | undefined,
    modules: readonly ModuleStatus[],
  ): JsonObject {
    const agent = {
      version: this.#version,
      os: platform(),
      architecture: arch() === 'x64' ? 'x86_64' : arch(),
      startedAt: this.#startedAt,
    }
    return reportedDocument({ agent, outcome, deployment, modules })
  }
}
