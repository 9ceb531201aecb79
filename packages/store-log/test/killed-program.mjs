import { LogStore } from '@edgewright/store-log'
import { writeUntilKilled } from '@edgewright/testkit/store'

await writeUntilKilled(new LogStore({ path: process.argv[2], segmentBytes: 65_536 }))
