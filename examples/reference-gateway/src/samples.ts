import type { ModuleFunction } from 'edgewright'

/** Routes that join the sample modules to each other and to the cloud; telemetry of all others goes to the cloud. */
export const SAMPLE_ROUTES = {
  sensorToFilter:
    'FROM /messages/modules/sensor/outputs/temperature INTO BrokeredEndpoint("/modules/filter/inputs/readings")',
  filterToCloud: 'FROM /messages/modules/filter/outputs/hot INTO $upstream',
  othersToCloud:
    'FROM /messages/* WHERE ($connectionModuleId ?? "") != "sensor" AND ($connectionModuleId ?? "") != "filter" INTO $upstream',
} as const

/** Above this, in degrees Celsius, the filter passes a reading on. */
const THRESHOLD = 25

/** A simulated temperature sensor: two readings a second that wander around 24 °C. */
export const sensor: ModuleFunction = async ({ output, every }) => {
  let celsius = 22
  for await (const _ of every('500 ms')) {
    celsius += (24 - celsius) * 0.1 + (Math.random() - 0.5) * 3
    await output('temperature').send({ celsius: Math.round(celsius * 10) / 10 })
  }
}

/** Passes readings over the threshold on. */
export const filter: ModuleFunction = async ({ input, output }) => {
  const hot = output('hot')
  for await (const { message, json } of input('readings')) {
    const reading = json() as { readonly celsius: number }
    if (reading.celsius > THRESHOLD) await hot.forward([message])
  }
}
