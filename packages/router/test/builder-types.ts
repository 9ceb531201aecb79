// What must not compile: held by the type check of the tests, never run.
import { module, route } from '../src/index.js'

interface Reading {
  readonly celsius: number
  readonly unit: string
}

const sensor = module<{ outputs: { temperature: Reading; alarm: { code: number } }; inputs: 'reset' }>('sensor')

export function wrongNamesAndTypes(): void {
  const draft = route.from(sensor.output('temperature'))
  // @ts-expect-error: there is no such output
  sensor.output('temprature')
  // @ts-expect-error: there is no such input
  sensor.input('resett')
  // @ts-expect-error: there is no such member of the payload
  draft.where(m => m.body.fahrenheit)
  // @ts-expect-error: a number is no condition
  draft.where(m => m.body.celsius)
  // @ts-expect-error: a number does not compare with text
  draft.where(m => m.body.celsius.gt('20'))
  // @ts-expect-error: a text has no sum
  draft.where(m => m.property('a').plus(1).gt(2))
  // @ts-expect-error: there is no such system property
  draft.where(m => m.system.deviceId.eq('d'))
  // @ts-expect-error: the payload of this output is another one
  route.from(sensor.output('alarm')).where(m => m.body.celsius.gt(1))
  // @ts-expect-error: nobody declared this payload
  route.from(module('any').output('out')).where(m => m.body.celsius.gt(1))
  route.from(module('any').output<Reading>('out')).where(m => m.body.celsius.gt(1))
}
