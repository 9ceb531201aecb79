import { EdgewrightError } from '@edgewright/core'

/** What a deployment is answered with: 400 its form is wrong, 412 its schema version is, 417 it is empty. */
export type ManifestStatus = 400 | 412 | 417

/** One thing wrong with a deployment. */
export interface ManifestProblem {
  readonly status: ManifestStatus
  /** The member, as `modules.sensor.settings.image`; empty for the document as a whole. */
  readonly place: string
  readonly message: string
}

/** Everything that is wrong with a deployment, found in one pass. Holds no value of the deployment that may be secret. */
export class ManifestError extends EdgewrightError {
  /** The code that the original's agent reports. */
  readonly status: ManifestStatus
  /** In the order of the document. */
  readonly problems: readonly ManifestProblem[]

  constructor(problems: readonly [ManifestProblem, ...ManifestProblem[]]) {
    const [first] = problems
    const more = problems.length === 1 ? '' : `, and ${problems.length - 1} more`
    super('MANIFEST_INVALID', `The deployment cannot be used: ${first.message}${more}`, {
      ...(first.place === '' ? {} : { place: first.place }),
      remedy: 'Correct the deployment; until then the last good one stays in force.',
    })
    this.problems = problems
    // As the original: the schema version is judged only when the form is right.
    this.status = problems.some(({ status }) => status === 400) ? 400 : first.status
  }
}
