import { InProcessRuntime, Supervisor } from '@edgewright/supervisor'
import { memoryModuleHost } from '@edgewright/testkit'

const host = memoryModuleHost() // in a gateway: the hub
const runtime = new InProcessRuntime(
  { host },
  {
    functions: {
      async sensor({ output, every }) {
        for await (const beat of every('20 ms')) await output('temperature').send({ celsius: 20 + beat })
      },
      async shaky() {
        throw new Error('out of order')
      },
    },
  },
)
const modules = runtime.specifications.map(specification => ({ specification, restartPolicy: 'always' as const }))

await using supervisor = new Supervisor({ runtimes: [runtime] }, { modules })
await supervisor.start()

export const sent = await host.untilSent(3)
export const status = supervisor.status() // shaky waits for its restart; sensor never noticed
