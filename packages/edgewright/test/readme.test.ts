import { describe, expect, it } from 'vitest'
import { amqp, createGateway, docker, https, inProcess, iotHub, logStore, mqtt } from '../src/index.js'

describe('the first program', () => {
  it('is made without doing anything, and says what it misses when it is started', async () => {
    const gateway = createGateway({
      hostname: 'press-7.local',
      dataDir: '/dev/null/edgewright',
      store: logStore({ path: './data', quota: '2 GiB' }),
      upstream: iotHub({ connectionString: process.env.IOTHUB_CONNECTION_STRING }),
      listen: [mqtt(), amqp(), https()],
      runtimes: [
        docker(),
        inProcess({
          sensor: async ({ output, every }) => {
            for await (const _ of every('1 s')) await output('temperature').send({ celsius: 20 + Math.random() * 15 })
          },
        }),
      ],
      routes: { hot: 'FROM /messages/modules/sensor/outputs/temperature WHERE $body.celsius > 30 INTO $upstream' },
    })
    gateway.on('connectivity', state => console.log(state.type, state.reason))
    expect(gateway.state).toBe('stopped')
    expect(() => gateway.deviceId).toThrow(expect.objectContaining({ code: 'NOT_RUNNING' }))
    await expect(gateway.start()).rejects.toThrow()
    expect(gateway.state).toBe('stopped')
  })
})
