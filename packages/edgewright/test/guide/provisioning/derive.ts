import { deriveDeviceKey } from '@edgewright/security'

export const derive = (groupKey: string) => deriveDeviceKey(groupKey, 'press-7')
