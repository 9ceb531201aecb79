// A module as anybody would write it with the Azure SDK: passes on what comes in, follows its twin, answers a method,
// and tells at a steady pace that it is there.
const { Message, ModuleClient } = require('azure-iot-device')
const { Amqp } = require('azure-iot-device-amqp')
const { Mqtt } = require('azure-iot-device-mqtt')

async function main() {
  const client = await ModuleClient.fromEnvironment(process.env.TRANSPORT === 'amqp' ? Amqp : Mqtt)
  client.on('error', error => console.error('client:', error))
  client.on('disconnect', () => console.error('disconnected'))
  await client.open()
  client.on('inputMessage', (input, message) => {
    client.complete(message, () => undefined)
    client.sendOutputEvent('passedOn', new Message(`${input}: ${message.getData()}`), report)
  })
  client.onMethod('add', ({ payload }, response) => response.send(200, { sum: payload.a + payload.b }, report))
  const twin = await client.getTwin()
  twin.on('properties.desired', ({ colour }) => twin.properties.reported.update({ colour: colour ?? null }, report))
  for (let beat = 0; ; beat++) {
    client.sendOutputEvent('beat', new Message(JSON.stringify({ beat })), report)
    await new Promise(resolve => setTimeout(resolve, 250))
  }
}

function report(error) {
  if (error) console.error(error.message)
}

process.on('SIGTERM', () => process.exit(0))
main().catch(error => {
  console.error(error)
  process.exit(1)
})
