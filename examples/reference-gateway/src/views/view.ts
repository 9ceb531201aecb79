import type { Connectivity, GatewayStatus } from 'edgewright'

/** Addresses and ports of the hub's listeners; a listener that may not be bound is absent. */
export interface HubAddresses {
  readonly host: string
  readonly mqtt?: number | undefined
  readonly amqp?: number | undefined
  readonly https?: number | undefined
}

/** The embedded cloud, for those who want to talk to it. */
export interface CloudAddresses extends HubAddresses {
  /** Of the policy `iothubowner`. */
  readonly connectionString: string
  readonly eventHubConnectionString?: string | undefined
}

/** What is told once everything is up. */
export interface Ready {
  readonly hub: HubAddresses
  /** Absent when the cloud is not ours. */
  readonly cloud?: CloudAddresses | undefined
  /** PEM that signs both server certificates. */
  readonly caFile: string
  /** A ready-made device and module that nothing else uses; absent when the cloud is not ours. */
  readonly device?: { readonly connectionString: string } | undefined
  readonly module?: { readonly connectionString: string } | undefined
}

/** Shows a run to whoever started it. */
export interface View {
  ready(ready: Ready): void
  connectivity(connectivity: Connectivity): void
  /** Called every so often, with what is going on. */
  status(status: GatewayStatus): void
  log(line: string): void
  stopping(signal: string): void
  stopped(): void
}
