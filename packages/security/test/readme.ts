import { join } from 'node:path'
import { EdgeAuthority, KeyRing, SealingKey, signSasToken } from '@edgewright/security'

const folder = process.env.DATA_DIR ?? 'data'

// Server certificates from an authority that is made on first start; your own: EdgeAuthority.fromFiles({ … }).
const authority = await EdgeAuthority.forDevelopment({ folder: join(folder, 'certificates') })
export const certificate = await authority.issue({
  commonName: 'press-7.local',
  dnsNames: ['press-7.local'],
  ipAddresses: ['127.0.0.1'],
  usage: 'server',
  validity: 30 * 86_400_000,
})

// Keys rest sealed under one key file; they sign, and never come out again.
const sealing = await SealingKey.open(join(folder, 'sealing.key'))
const keys = await KeyRing.open({ file: join(folder, 'keys'), sealer: sealing.sealer('keys') })
await keys.put('press-7', Buffer.from('c2VjcmV0IGtleSBvZiBwcmVzcyA3', 'base64'))
export const token = await signSasToken(keys, {
  host: 'plant.azure-devices.net',
  identity: { deviceId: 'press-7' },
  keyId: 'press-7',
  expiresAt: Date.now() + 3_600_000,
})
