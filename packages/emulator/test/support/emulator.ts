import { threadId } from 'node:worker_threads'
import { testCertificates } from '@edgewright/testkit'
import { createEmulator, type Emulator, type EmulatorOptions } from '../../src/index.js'

let made = 0

/** A loopback address that no other test of this run uses: the SDKs insist on the usual ports. */
export function ownAddress(): string {
  made += 1
  return `127.${64 + (((threadId % 8) * 8 + made) % 64)}.${(process.pid >> 8) & 0xff}.${Math.max(process.pid & 0xff, 1)}`
}

/** A running emulator on the usual ports of an address of its own, and what signs its certificate. */
export interface TestEmulator extends AsyncDisposable {
  readonly emulator: Emulator
  readonly ca: string
}

/** Starts one. */
export async function startEmulator(options: Partial<EmulatorOptions> = {}): Promise<TestEmulator> {
  const address = options.address ?? ownAddress()
  const { ca, cert, key } = testCertificates({ ipAddresses: [address] })
  const emulator = createEmulator({ address, tls: { cert, key }, ...options })
  await emulator.start()
  return { emulator, ca, [Symbol.asyncDispose]: () => emulator.stop() }
}
