import { type Logger, settleInOrder } from '@edgewright/core'
import type { FileSystem } from '../files/file-system.js'
import { nodeFileSystem } from '../files/node-file-system.js'
import type { Finding } from '../findings.js'
import { LogStore } from '../log-store.js'
import { lockStore } from './lock-store.js'

/**
 * Starts a store, reads all that waits in it and every row, and stops it: so everything that is damaged is found, set
 * aside in the folder `quarantine`, and waited for no more.
 *
 * @returns what was found
 * @throws `STORE_IN_USE`; `STORE_DAMAGED` when a newer version has written it; `STORE_FAILED` when there is none
 */
export async function repairStore(
  path: string,
  options: { readonly fileSystem?: FileSystem; readonly logger?: Logger } = {},
): Promise<readonly Finding[]> {
  const lock = await lockStore(options.fileSystem ?? nodeFileSystem, path)
  await lock.release()
  const findings: Finding[] = []
  const store = new LogStore({ path, ...options })
  store.on('findings', found => findings.push(...found))
  await store.start()
  await settleInOrder([() => readEverything(store), () => store.stop()])
  return findings
}

async function readEverything(store: LogStore): Promise<void> {
  for (const { queue } of store.queues()) {
    for (let from = 0; ; ) {
      const last = (await store.read(queue, { from })).at(-1)
      if (last === undefined) break
      from = last.position + 1
    }
  }
  for (const table of store.tables()) for await (const _row of store.entries(table));
}
