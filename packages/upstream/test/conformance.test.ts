import { upstreamConformance } from '@edgewright/testkit/upstream'
import { describe, it } from 'vitest'
import { emulatedHub } from './emulator-cloud.js'
import { folderCloud } from './folder-cloud.js'

describe.each(['amqp', 'amqp-ws', 'mqtt', 'mqtt-ws'] as const)('over %s', transport => {
  upstreamConformance({ describe, it }, () => emulatedHub({ transports: [transport] }))
})

describe('into a folder', () => {
  upstreamConformance({ describe, it }, folderCloud)
})
