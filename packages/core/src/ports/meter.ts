/** Labels of one series; keep the set of values small. */
export type MeterLabels = Readonly<Record<string, string>>

/** Only goes up. */
export interface Counter {
  add(amount?: number): void
}

/** Goes up and down. */
export interface Gauge {
  set(value: number): void
}

/** Counts what happens. Asking twice for the same name and labels gives the same series; ask once, keep it, add often. */
export interface Meter {
  counter(name: string, labels?: MeterLabels): Counter
  gauge(name: string, labels?: MeterLabels): Gauge
}

/** One series as it stands. */
export interface MeterReading {
  readonly name: string
  readonly labels: MeterLabels
  readonly kind: 'counter' | 'gauge'
  readonly value: number
}

/** A meter in memory, for programs that show or export the figures themselves. */
export interface ReadableMeter extends Meter {
  /** Every series so far, in the order in which they were first asked for. */
  read(): readonly MeterReading[]
}

class Series implements Counter, Gauge {
  value = 0
  constructor(
    readonly name: string,
    readonly labels: MeterLabels,
    readonly kind: 'counter' | 'gauge',
  ) {}
  add(amount = 1): void {
    this.value += amount
  }
  set(value: number): void {
    this.value = value
  }
}

/** The plain meter: numbers in memory. */
export function memoryMeter(): ReadableMeter {
  const all = new Map<string, Series>()
  const series = (kind: 'counter' | 'gauge', name: string, labels: MeterLabels = {}): Series => {
    const key = JSON.stringify([kind, name, Object.entries(labels).sort()])
    let found = all.get(key)
    if (found === undefined) all.set(key, (found = new Series(name, labels, kind)))
    return found
  }
  return {
    counter: (name, labels) => series('counter', name, labels),
    gauge: (name, labels) => series('gauge', name, labels),
    read: () => [...all.values()].map(({ name, labels, kind, value }) => ({ name, labels, kind, value })),
  }
}
