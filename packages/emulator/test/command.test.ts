import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Message } from 'azure-iot-common'
import { Client } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../src/command/run.js'
import { ownAddress } from './support/emulator.js'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'emulator-command-'))))
afterEach(() => rm(folder, { recursive: true }))

/** The command, and the lines it prints one after another. */
function start(args: readonly string[]) {
  const ending = new AbortController()
  const lines: string[] = []
  let wake = () => {}
  const over = run(args, {
    stdout(text) {
      lines.push(...text.trimEnd().split('\n'))
      wake()
    },
    stderr: () => undefined,
    signal: ending.signal,
  })
  const next = async (): Promise<string> => {
    while (lines.length === 0) await Promise.race([over, new Promise<void>(resolve => (wake = resolve))])
    return lines.shift() as string
  }
  const stop = async () => {
    ending.abort()
    await over
  }
  return { next, stop, over }
}

test('it says where it listens, takes a device SDK with the certificate it made, and prints what is sent', async () => {
  const address = ownAddress()
  const args = [
    '--address',
    address,
    '--data-dir',
    folder,
    '--device',
    'press',
    '--device',
    'gateway:edge',
    '--device',
    'leaf@gateway',
    '--json',
  ]
  const command = start(args)
  const ready = JSON.parse(await command.next())
  expect(ready).toMatchObject({ event: 'ready', host: address, mqtt: 8883, amqp: 5671, https: 443 })
  expect(Object.keys(ready.devices)).toEqual(['press', 'gateway', 'leaf'])

  const client = Client.fromConnectionString(ready.devices.press, Mqtt)
  await client.setOptions({ ca: await readFile(ready.caFile, 'utf8') })
  await client.open()
  await client.sendEvent(new Message('{"celsius":31}'))
  await client.close()
  expect(JSON.parse(await command.next())).toMatchObject({
    event: 'telemetry',
    deviceId: 'press',
    body: '{"celsius":31}',
  })
  await command.stop()

  const again = start(args)
  expect(JSON.parse(await again.next())).toEqual(ready)
  await again.stop()
})

test('its help names every flag, and a flag it does not know is refused', async () => {
  const help = start(['--help'])
  expect(await help.next()).toContain('IoT Hub')
  await help.over
  await expect(start(['--colour']).over).rejects.toMatchObject({ code: 'EMULATOR_FLAGS_INVALID' })
  await expect(start(['--cert', 'x']).over).rejects.toMatchObject({ code: 'EMULATOR_FLAGS_INVALID' })
})
