export { type ModuleBehaviour, runtimeConformance, type RuntimeUnderTest } from './conformance.js'
