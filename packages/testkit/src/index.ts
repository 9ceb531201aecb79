export { VIRTUAL_CLOCK_DEFAULTS, type VirtualClock, type VirtualClockOptions, virtualClock } from './clock.js'
