import { describe, expect, it } from 'vitest'
import { containerOptions } from './container-options.js'
import { commonLabels, specificationOf } from './labels.js'

const make = (createOptions: object, environment = {}) => ({
  name: 'press',
  type: 'docker',
  settings: { image: 'press:1', createOptions },
  environment,
})

describe('containerOptions', () => {
  it('keeps create options as they are, and adds what is ours', () => {
    const ours = commonLabels('hub/press-7')
    const Labels = { mine: '1', ...Object.fromEntries(Object.keys(ours).map(name => [name, 'no'])) }
    const specification = make({ Hostname: 'press', Unknown: [1], Labels }, { A: '1' })
    const options = containerOptions(specification, {}, { scope: 'hub/press-7' })
    expect(options).toMatchObject({ Hostname: 'press', Unknown: [1], Image: 'press:1', Env: ['A=1'] })
    expect(options.Labels).toMatchObject({ mine: '1', ...ours })
    expect(options.NetworkingConfig).toBeUndefined()
    expect(specificationOf('press', options.Labels as Record<string, string>)).toEqual(specification)
  })

  it('lets variables of create options win', () => {
    const { Env } = containerOptions(make({ Env: ['A=own', 'B'] }, { A: '1', B: '2', C: 'x=y' }))
    expect(Env).toEqual(['C=x=y', 'A=own', 'B'])
  })

  it('adds what the gateway prepares behind what the module brings', () => {
    const preparation = {
      environment: { IOTEDGE_DEVICEID: 'press-7' },
      binds: ['/a:/b'],
      extraHosts: ['hub:host-gateway'],
    }
    const options = containerOptions(make({ HostConfig: { Binds: ['/own:/own'], Memory: 1 } }, { A: '1' }), preparation)
    expect(options.Env).toEqual(['IOTEDGE_DEVICEID=press-7'])
    expect(options.HostConfig).toEqual({ Binds: ['/own:/own', '/a:/b'], ExtraHosts: ['hub:host-gateway'], Memory: 1 })
  })

  it.each([
    [{}, { NetworkingConfig: { EndpointsConfig: { edge: {} } } }],
    [{ NetworkingConfig: { EndpointsConfig: {} } }, { NetworkingConfig: { EndpointsConfig: { edge: {} } } }],
    [{ NetworkingConfig: { EndpointsConfig: { own: {} } } }, { NetworkingConfig: { EndpointsConfig: { own: {} } } }],
    [{ HostConfig: { NetworkMode: 'host' } }, { HostConfig: { NetworkMode: 'host' } }],
  ])('joins the network unless %j chooses one', (createOptions, expected) => {
    expect(containerOptions(make(createOptions), {}, { network: 'edge' })).toMatchObject(expected)
  })
})

describe('specificationOf', () => {
  it('takes a container of another agent as made from its image alone', () => {
    const labels = { 'net.azure-devices.edge.original-image': 'press:1' }
    const expected = { name: 'press', type: 'docker', settings: { image: 'press:1' }, environment: {} }
    expect(specificationOf('press', labels)).toEqual(expected)
    expect(specificationOf('press', { ...labels, 'io.edgewright.specification': '{' })).toEqual(expected)
    expect(specificationOf('press', { ...labels, 'io.edgewright.specification': '{"name":"other"}' })).toEqual(expected)
  })
})
