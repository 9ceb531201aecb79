// A supervisor in a process of its own, to be killed: brings up the modules of its environment, and hangs for ever
// before it creates the one that is named there.
import { DockerRuntime, Supervisor } from '@edgewright/supervisor'

const { PREFIX, HANG_AT, MODULES } = process.env

class OwnContainers extends DockerRuntime {
  async list() {
    return (await super.list()).filter(({ name }) => name.startsWith(PREFIX))
  }
  watch(listener, signal) {
    super.watch((name, observation) => name.startsWith(PREFIX) && listener(name, observation), signal)
  }
  async create(specification, signal) {
    if (specification.name === HANG_AT) {
      process.send('hangs')
      await new Promise(() => undefined)
    }
    await super.create(specification, signal)
  }
}

process.on('disconnect', () => process.exit())
const supervisor = new Supervisor({ runtimes: [new OwnContainers()] }, { modules: JSON.parse(MODULES) })
await supervisor.start()
