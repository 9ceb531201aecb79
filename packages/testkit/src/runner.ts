/** What a conformance suite needs of a test runner; that of vitest, jest, mocha and node:test fits. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  it(name: string, body: () => Promise<void> | void): unknown
}
