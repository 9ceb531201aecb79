import { WorkloadRefusal } from './answer.js'

/** Every api-version of the workload API. Clients send the one they were built for; answers are the same for all. */
export const WORKLOAD_API_VERSIONS = Object.freeze([
  '2018-06-28',
  '2019-01-30',
  '2019-10-22',
  '2019-11-05',
  '2020-07-07',
  '2021-12-07',
  '2022-08-03',
] as const)

/** The newest: what modules are told. */
export const LATEST_WORKLOAD_API_VERSION = '2022-08-03'

/** A date, so that versions compare as text. */
export type ApiVersion = (typeof WORKLOAD_API_VERSIONS)[number]

/** The version of a query; the last one counts. Refuses a query without, and a version that never was. */
export function readApiVersion(query: string): ApiVersion {
  const given = new URLSearchParams(query).getAll('api-version').at(-1)
  if (given === undefined) throw new WorkloadRefusal(400, 'api-version not specified')
  const version = WORKLOAD_API_VERSIONS.find(known => known === given)
  if (version === undefined) throw new WorkloadRefusal(400, `invalid api-version ${JSON.stringify(given.slice(0, 64))}`)
  return version
}
