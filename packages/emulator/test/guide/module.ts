import type { ModuleClient } from 'azure-iot-device'
import { Message } from 'azure-iot-common'

/** The module under test: passes warm readings on, above a threshold that its twin sets. */
export async function startFilter(client: ModuleClient): Promise<void> {
  const twin = await client.getTwin()
  let threshold: number = twin.properties.desired.threshold ?? 30
  twin.on('properties.desired', delta => {
    threshold = delta.threshold ?? threshold
    twin.properties.reported.update({ threshold }, () => undefined)
  })
  client.onMethod('measure', (request, response) => {
    const { celsius } = request!.payload
    const answer = () => response!.send(200, { warm: celsius > threshold }, () => undefined)
    if (celsius > threshold) client.sendOutputEvent('warm', new Message(JSON.stringify({ celsius })), answer)
    else answer()
  })
}
