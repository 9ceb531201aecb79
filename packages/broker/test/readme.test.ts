import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { RawMqttClient, telemetry } from './raw-mqtt-client.js'

test('what the README shows runs', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('readme.ts', import.meta.url), 'utf8'))
  const { frontEnd, stored } = await import('./readme.js')
  const client = await RawMqttClient.login(frontEnd.address().port, 'press-7')
  client.send(telemetry('press-7', 1, 'hello'))
  await client.next('puback')
  expect(stored).toEqual(['press-7: hello'])
  client.destroy()
  await frontEnd.stop()
})
