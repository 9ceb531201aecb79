import { createMessage } from '@edgewright/core'
import {
  compileRoutes,
  explain,
  formatExplanation,
  formatRouteErrors,
  module,
  route,
  upstream,
} from '@edgewright/router'

const sensor = module<{ outputs: { temperature: { celsius: number } } }>('sensor')

const { table, errors, warnings } = compileRoutes({
  hot: route
    .from(sensor.output('temperature'))
    .where(message => message.body.celsius.gt(30))
    .into(upstream, { priority: 0 }),
  panel: 'FROM /messages/modules/sensor/* INTO BrokeredEndpoint("/modules/panel/inputs/in")',
  broken: 'FROM /messages/* WHERE celsius > 30 INTO $upstream',
})
export const problems = formatRouteErrors([...errors, ...warnings])
console.log(problems)

const message = createMessage({ body: '{"celsius":31}', system: { contentType: 'application/json' } })
const source = { kind: 'telemetry', moduleId: 'sensor', output: 'temperature' } as const
export const destinations = table.match(message, source)
console.log(formatExplanation(explain(table, message, source)))
