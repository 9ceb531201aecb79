import type { Route } from '../../http/router.js'
import type { HubState } from '../../state/hub-state.js'
import type { Deployments } from '../deployments.js'
import { bulkRoutes } from './bulk.js'
import { commandRoutes } from './commands.js'
import { configurationRoutes } from './configurations.js'
import { methodRoutes } from './methods.js'
import { queryRoutes } from './query.js'
import { registryRoutes } from './registry.js'
import { twinRoutes } from './twins.js'

/** The REST interface of the service side. Source: wire reference, section 4.2. */
export function serviceRoutes(state: HubState, deployments: Deployments): readonly Route[] {
  return [
    ...registryRoutes(state),
    ...bulkRoutes(state),
    ...twinRoutes(state),
    ...methodRoutes(state),
    ...commandRoutes(state),
    ...queryRoutes(state, deployments),
    ...configurationRoutes(state, deployments),
  ]
}
