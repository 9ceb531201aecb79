import { jsonObjectBody } from '../http/json-body.js'
import type { HttpRequest, HttpResponse, Route } from '../http/router.js'
import { HubError } from '../state/hub-error.js'
import { faultFromJson, targetFromJson } from './fault-json.js'
import type { Faults } from './faults.js'

/** Where the emulator is told what should go wrong. No hub has anything at this path. */
export const CONTROL_PATH = '/$emulator'

/** Faults by HTTP: without a token from the machine itself, with one of the owner from elsewhere. */
export function faultRoutes(faults: Faults): readonly Route[] {
  const route = (method: string, path: string, handle: Route['handle']): Route => ({
    method,
    path: CONTROL_PATH + path,
    guard: 'control',
    handle,
  })
  const done = (work: () => void): HttpResponse => {
    work()
    return { status: 204 }
  }
  const target = ({ body }: HttpRequest) => (body.byteLength === 0 ? {} : targetFromJson(jsonObjectBody(body)))
  return [
    route('GET', '/faults', () => ({
      status: 200,
      json: faults.list().map(({ id, specification, strikes }) => ({ id, ...specification, strikes })),
    })),
    route('POST', '/faults', ({ body }) => {
      const { id, specification } = faults.inject(faultFromJson(jsonObjectBody(body)))
      return { status: 201, json: { id, ...specification, strikes: 0 } }
    }),
    route('DELETE', '/faults', () => done(() => faults.clear())),
    route('DELETE', '/faults/{id}', ({ params }) => {
      if (!faults.lift(Number(params.id))) throw new HubError('NotFound', `There is no fault ${params.id}`)
      return { status: 204 }
    }),
    route('POST', '/drop', request => done(() => faults.drop(target(request)))),
    route('POST', '/expire-tokens', request => done(() => faults.expireTokens(target(request)))),
    route('POST', '/fail-over', () => done(() => faults.failOver())),
  ]
}
