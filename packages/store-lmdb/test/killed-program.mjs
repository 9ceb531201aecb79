import { LmdbStore } from '@edgewright/store-lmdb'
import { writeUntilKilled } from '@edgewright/testkit/store'

await writeUntilKilled(new LmdbStore({ path: process.argv[2] }))
