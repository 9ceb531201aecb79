import type { JsonObject } from '@edgewright/core'
import { describe, expect, it } from 'vitest'
import { assertPermitted, CONFINED, type PrivilegePolicy } from './privilege-policy.js'

const check = (HostConfig: JsonObject, policy: PrivilegePolicy = CONFINED) =>
  assertPermitted('a', { HostConfig }, policy)

describe('assertPermitted', () => {
  it.each<[string, JsonObject]>([
    ['Privileged', { Privileged: true }],
    ['privileged', { privileged: true }],
    ['NetworkMode', { NetworkMode: 'host' }],
    ['NetworkMode', { NetworkMode: 'container:other' }],
    ['PidMode', { PidMode: 'host' }],
    ['ipcmode', { ipcmode: 'host' }],
    ['Binds', { Binds: ['data:/data', '/etc:/host'] }],
    ['Binds', { Binds: ['./here:/host'] }],
    ['binds', { binds: ['/var/run/docker.sock:/var/run/docker.sock'] }],
    ['Mounts', { Mounts: [{ Type: 'bind', Source: '/etc', Target: '/host' }] }],
    ['Mounts', { Mounts: [{ type: 'BIND', source: '/etc', target: '/host' }] }],
    ['Mounts', { Mounts: [{ Type: 'volume', VolumeOptions: { DriverConfig: { Options: { device: '/etc' } } } }] }],
    ['VolumesFrom', { VolumesFrom: ['other'] }],
    ['CapAdd', { CapAdd: ['NET_ADMIN'] }],
    ['CapAdd', { CapAdd: 'ALL' }],
    ['SecurityOpt', { SecurityOpt: ['seccomp=unconfined'] }],
    ['SecurityOpt in letters that the engine takes for others', { ſecurityOpt: ['seccomp=unconfined'] }],
    ['MaskedPaths', { MaskedPaths: [] }],
    ['Devices', { Devices: [{ PathOnHost: '/dev/mem' }] }],
  ])('names %s', (_, host) => {
    const place = Object.keys(host)[0]!
    expect(() => check(host)).toThrow(expect.objectContaining({ code: 'MODULE_FORBIDDEN', place: 'a' }))
    expect(() => check(host)).toThrow(`HostConfig.${place}`)
    expect(() => check(host, {})).not.toThrow()
  })

  it('finds what stands twice in different case, and the network among endpoints', () => {
    const options = { HostConfig: {}, hostconfig: { Privileged: true } }
    expect(() => assertPermitted('a', options, CONFINED)).toThrow('hostconfig.Privileged')
    const networks = { NetworkingConfig: { EndpointsConfig: { host: {} } } }
    expect(() => assertPermitted('a', networks, CONFINED)).toThrow('NetworkingConfig.EndpointsConfig')
  })

  it.each<[string, JsonObject, PrivilegePolicy]>([
    ['what asks for nothing', { Privileged: false, CapAdd: [], Binds: null, NetworkMode: 'bridge' }, CONFINED],
    ['volumes', { Binds: ['data:/data'], Mounts: [{ Type: 'volume', Source: 'data' }, { Type: 'tmpfs' }] }, CONFINED],
    ['dropped capabilities', { CapDrop: ['ALL'] }, CONFINED],
    ['a capability that is named', { CapAdd: ['CAP_NET_ADMIN'] }, { capabilities: ['NET_ADMIN'] }],
    ['a folder that is named', { Binds: ['/srv/data/x:/x'] }, { hostMounts: ['/srv/data'] }],
  ])('lets pass %s', (_, host, policy) => {
    expect(() => check(host, policy)).not.toThrow()
  })

  it.each(['/srv/database:/x', '/srv/data/../../etc:/x', '/srv:/x'])('does not let pass %s', bind => {
    expect(() => check({ Binds: [bind] }, { hostMounts: ['/srv/data'] })).toThrow('HostConfig.Binds')
  })
})
