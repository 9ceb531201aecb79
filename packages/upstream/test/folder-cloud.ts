import { existsSync, readFileSync, renameSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identityKey } from '@edgewright/core'
import { percentEncode } from '@edgewright/protocol'
import type { UpstreamUnderTest } from '@edgewright/testkit/upstream'
import { FolderUpstream, parseMessages } from '../src/index.js'

/** A folder, and an upstream that leads to it. It is cut by taking it away. */
export async function folderCloud(): Promise<UpstreamUnderTest> {
  const root = await mkdtemp(join(tmpdir(), 'edgewright-folder-'))
  const [path, elsewhere] = [join(root, 'disk'), join(root, 'taken')]
  await mkdir(path)
  const take = () => existsSync(path) && renameSync(path, elsewhere)
  const bring = () => existsSync(elsewhere) && renameSync(elsewhere, path)
  return {
    upstream: new FolderUpstream({ path, lookEvery: 10 }),
    identities: [{ deviceId: 'a' }, { deviceId: 'a', moduleId: 'b' }, { deviceId: '#/*' }],
    cloud: {
      arrived: identity => {
        const file = join(path, `${percentEncode(identityKey(identity))}.jsonl`)
        return existsSync(file) ? parseMessages(readFileSync(file, 'utf8')) : []
      },
      cut: () => {
        take()
        bring()
      },
      setReachable: isReachable => void (isReachable ? bring() : take()),
    },
    dispose: () => rm(root, { recursive: true }),
  }
}
