import Docker from 'dockerode'
import { DockerRuntime } from '../../src/index.js'

const engine = new Docker()

/** Only containers of one test: other tests use the same engine at the same time. */
export class OwnContainers extends DockerRuntime {
  readonly #prefix: string

  constructor(prefix: string) {
    super()
    this.#prefix = prefix
  }

  override async list() {
    return (await super.list()).filter(({ name }) => name.startsWith(this.#prefix))
  }

  override watch(...[listener, signal]: Parameters<DockerRuntime['watch']>) {
    super.watch((name, observation) => name.startsWith(this.#prefix) && listener(name, observation), signal)
  }
}

/** The id that the engine gave a container. */
export async function idOf(name: string): Promise<string> {
  return (await engine.getContainer(name).inspect()).Id
}

/** Removes all containers of a test. */
export async function removeContainers(prefix: string): Promise<void> {
  const containers = await engine.listContainers({ all: true })
  const own = containers.filter(({ Names: [name] }) => name?.startsWith(`/${prefix}`))
  await Promise.all(own.map(({ Id }) => engine.getContainer(Id).remove({ force: true })))
}
