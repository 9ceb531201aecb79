import { describe, expect, it } from 'vitest'
import { moduleEnvironment, type ModuleEnvironmentOptions } from './environment.js'

const options: ModuleEnvironmentOptions = {
  moduleId: 'sensor',
  generationId: '638000000000000001',
  deviceId: 'press-7',
  hubHostName: 'plant.azure-devices.net',
  gatewayHostName: 'press-7.local',
}

describe('moduleEnvironment', () => {
  it('gives a user module what the original gives it', () => {
    expect(moduleEnvironment(options)).toEqual({
      IOTEDGE_WORKLOADURI: 'unix:///var/run/iotedge/workload.sock',
      IOTEDGE_AUTHSCHEME: 'sasToken',
      IOTEDGE_MODULEGENERATIONID: '638000000000000001',
      IOTEDGE_IOTHUBHOSTNAME: 'plant.azure-devices.net',
      IOTEDGE_DEVICEID: 'press-7',
      IOTEDGE_MODULEID: 'sensor',
      IOTEDGE_GATEWAYHOSTNAME: 'press-7.local',
      RuntimeLogLevel: 'info',
      IOTEDGE_APIVERSION: '2022-08-03',
    })
  })

  it('tells of a parent and of the protocol when there is one', () => {
    expect(moduleEnvironment({ ...options, parentHostName: 'hall.local', upstreamProtocol: 'AmqpWs' })).toMatchObject({
      IOTEDGE_PARENTHOSTNAME: 'hall.local',
      UpstreamProtocol: 'AmqpWs',
    })
  })

  it('begins with what the deployment gives, which may change log level and protocol', () => {
    const given = { RATE: '5', RuntimeLogLevel: 'debug', UpstreamProtocol: 'Mqtt' }
    const environment = moduleEnvironment({ ...options, upstreamProtocol: 'Amqp', logLevel: 'warning', given })
    expect(environment).toMatchObject(given)
    expect(Object.keys(environment).slice(0, 4)).toEqual([...Object.keys(given), 'IOTEDGE_WORKLOADURI'])
  })

  it.each(['IOTEDGE_WORKLOADURI', 'IOTEDGE_MODULEID', 'IOTEDGE_APIVERSION'])(
    'refuses a deployment that gives %s',
    name => {
      expect(() => moduleEnvironment({ ...options, given: { [name]: 'x' } })).toThrow(
        expect.objectContaining({ code: 'MODULE_ENVIRONMENT_CONFLICT', place: 'sensor: env' }),
      )
    },
  )
})
