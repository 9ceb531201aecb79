import { once } from 'node:events'
import common from 'azure-iot-common'
import iothub from 'azure-iothub'

const say = value => console.log(JSON.stringify(value))
const client = iothub.Client.fromConnectionString(process.env.CONNECTION_STRING, iothub[process.env.TRANSPORT])
await client.open()

const receiver = await new Promise((resolve, reject) =>
  client.getFeedbackReceiver((error, found) => (error ? reject(error) : resolve(found))),
)
const message = new common.Message('stop')
message.messageId = 'c-1'
message.ack = 'full'
message.properties.add('why', 'test')
await client.send('press', message)
say({ sent: true })
const [feedback] = await once(receiver, 'message')
const [record] = JSON.parse(feedback.getData?.() ?? feedback.data)
await receiver.complete(feedback)
say({ feedback: [record.originalMessageId, record.statusCode, record.deviceId] })

say({
  unknown: await client.send('ghost', 'x').then(
    () => 'no failure',
    error => error.name,
  ),
})
const call = { methodName: 'reboot', payload: { seconds: 3 }, responseTimeoutInSeconds: 5 }
say({ method: (await client.invokeDeviceMethod('press', call)).result })
say({
  offline: await client.invokeDeviceMethod('sleeper', call).then(
    () => 'no failure',
    error => error.response.statusCode,
  ),
})
await client.close()
