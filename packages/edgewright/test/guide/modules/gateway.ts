import { amqp, createGateway, docker, inProcess, iotHub, mqtt, processes } from 'edgewright'

export const gateway = createGateway({
  hostname: 'press-7.local',
  upstream: iotHub({ connectionString: process.env.IOTHUB_CONNECTION_STRING }),
  listen: [mqtt(), amqp()],
  runtimes: [
    docker(),
    processes({ allowed: ['/opt/plant/bin'] }),
    inProcess({
      sensor: async ({ output, every }) => {
        for await (const _ of every('1 s')) await output('temperature').send({ celsius: 21 })
      },
    }),
  ],
})
