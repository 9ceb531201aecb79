import { createGateway, iotHub, mqtt, readProvisioningFile } from 'edgewright'

const provisioning = await readProvisioningFile(process.env.PROVISIONING_FILE ?? '/etc/edgewright/provisioning.json')
export const gateway = createGateway({
  dataDir: process.env.DATA_DIR,
  upstream: iotHub({ provisioning, ca: process.env.CLOUD_CA }),
  listen: [mqtt({ address: '127.0.0.1', port: 0 })],
})
await gateway.start()
