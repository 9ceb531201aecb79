/**
 * Which reading of the language applies.
 *
 * - `edgewright`: what users of IoT Edge rely on, without the readings that hide an error or give an absurd answer.
 *   Every difference stands in `docs/differences/routes.md`.
 * - `iotedge`: the original's answer, quirks included.
 */
export type Semantics = 'edgewright' | 'iotedge'
