import type { Store } from '@edgewright/core'
import type { TestRunner } from '../runner.js'

/** What a test may ask of a store when opening it. */
export interface StoreSettings {
  /** Passed on as the adapter's quota. */
  readonly quota?: number | undefined
}

/** One set of data, and the stores that are opened on it one after another. What is absent is not claimed, so not tested. */
export interface StoreUnderTest {
  /** A store on this data, not started. */
  open(settings?: StoreSettings): Store
  /** Whether data outlive `stop`. */
  readonly keepsData: boolean
  /** Whether a second store on the same data is refused while the first one runs. */
  readonly isExclusive: boolean
  /** The data as they would be had the process been killed this instant; called while nothing is in flight. */
  crash?(): Promise<StoreUnderTest>
  /** Changes bytes of the data at random; called while no store is running. `random` gives 0 ≤ n < 1. */
  damage?(random: () => number): Promise<void>
  /** A store on a place that cannot be one: a path that leads through a file. */
  openNowhere?(): Store
  /** Mends what refuses to open as `STORE_DAMAGED`, as the error's remedy says; absent when nothing ever does. */
  repair?(): Promise<void>
  /** Clears away whatever the data left on the machine. */
  dispose(): Promise<void>
}

/** Makes fresh data for one test. */
export type StoreFactory = () => StoreUnderTest | Promise<StoreUnderTest>

/** One group of the suite. */
export type StoreTests = (runner: TestRunner, make: StoreFactory) => void
