export type { BackoffOptions } from './backoff.js'
export {
  IDENTITY_SOURCE_DEFAULTS,
  IotHubIdentitySource,
  type IotHubIdentitySourceOptions,
} from './identity-source.js'
export { IotHubUpstream, type IotHubUpstreamOptions } from './iot-hub-upstream.js'
export { proxyAgent } from './network/proxy-agent.js'
export type { HubPorts } from './transports.js'
export type { TransportName } from './transport-choice.js'
export { type IotHubUpstreamTuning, type TokenSource, UPSTREAM_DEFAULTS } from './options.js'
export { FOLDER_UPSTREAM_DEFAULTS, FolderUpstream, type FolderUpstreamOptions } from './folder/folder-upstream.js'
export { parseMessages } from './folder/telemetry-file.js'
