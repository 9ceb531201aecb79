import type { Identity, JsonObject, Message, MethodResponse, Upstream } from '@edgewright/core'
import type { TestRunner } from '../runner.js'

/** The far end of an upstream, in the hands of a test. What is absent is not claimed, so not tested. */
export interface CloudUnderTest {
  /** What arrived from an identity so far, in order; what came twice stands twice. */
  arrived(identity: Identity): readonly Message[]
  /** Breaks the link once; it may come back at once. */
  cut(): void | Promise<void>
  /** Breaks the link and keeps it from coming back, or no longer. */
  setReachable(isReachable: boolean): void | Promise<void>
  /** Keeps one identity out, or no longer; ends what it has open. */
  setAdmitted?(identity: Identity, isAdmitted: boolean): void | Promise<void>
  /** Asks for patience with telemetry and twins, or no longer. */
  setThrottled?(isThrottled: boolean): void | Promise<void>
  readonly twins?: {
    /** The reported properties of an identity. */
    reported(identity: Identity): JsonObject
    /** Merges into the desired properties; returns their new version. */
    change(identity: Identity, patch: JsonObject): number
    /** Refuses every patch of reported properties for good, or no longer. */
    setRefusing?(isRefusing: boolean): void
  }
  /** Calls a method; rejects when nobody answers. */
  callMethod?(identity: Identity, name: string, payload?: JsonObject): Promise<MethodResponse>
  readonly commands?: {
    send(identity: Identity, body: string): void
    /** How many were sent to an identity and are not done with: neither completed nor rejected. */
    waiting(identity: Identity): number
  }
}

/** An upstream and the cloud it leads to. */
export interface UpstreamUnderTest {
  /** Not started. */
  readonly upstream: Upstream
  readonly cloud: CloudUnderTest
  /** Identities that the cloud knows: at least three. */
  readonly identities: readonly Identity[]
  /** Stops the cloud and clears away what it left. The upstream is stopped by then. */
  dispose(): Promise<void>
}

/** Makes a fresh upstream and cloud for one test. */
export type UpstreamFactory = () => UpstreamUnderTest | Promise<UpstreamUnderTest>

/** One group of the suite. */
export type UpstreamTests = (runner: TestRunner, make: UpstreamFactory) => void
