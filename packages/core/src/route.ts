/** One rule as a deployment gives it. Source: IoT Edge deployment schema 1.1, `routes`. */
export interface RouteRule {
  /** `FROM … [WHERE …] INTO …` */
  readonly route: string
  /** 0 (first) to 9; {@link DEFAULT_PRIORITY} when absent. */
  readonly priority?: number | undefined
  /** Seconds that a message may wait for delivery; 0 or absent: the hub's own setting. */
  readonly timeToLiveSecs?: number | undefined
}

/** Where a route leads: the cloud, or an input of a module of this device. */
export type RouteTarget =
  | { readonly kind: 'upstream' }
  | { readonly kind: 'input'; readonly moduleId: string; readonly input: string }

/** One endpoint that gets a message, and how. */
export interface RouteDestination {
  readonly target: RouteTarget
  /** Smaller is sooner. */
  readonly priority: number
  /** Seconds; 0 stands for the hub's own setting. */
  readonly timeToLiveSecs: number
  /** Name of the route that decided priority and time-to-live. */
  readonly route: string
}
