// The last words of a test run: how many tests passed, and which were left out and why. A test is left out with
// `context.skip(reason)`. Where EDGEWRIGHT_REQUIRE_DOCKER=1 is set, leaving anything out is a failure.
export default class LeftOutReporter {
  onTestRunEnd(modules) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    const reasons = new Map()
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const result = test.result()
        count[result.state]++
        if (result.state === 'skipped') {
          const reason = result.note ?? 'no reason given'
          reasons.set(reason, [...(reasons.get(reason) ?? []), test.fullName])
        }
      }
      if (module.errors().length > 0 && module.state() === 'failed') count.failed++
    }
    for (const [reason, names] of reasons) {
      process.stdout.write(`\nLeft out (${reason}):\n${names.map(name => `  ${name}\n`).join('')}`)
    }
    process.stdout.write(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`)
    if (count.skipped > 0 && process.env.EDGEWRIGHT_REQUIRE_DOCKER === '1') {
      process.stdout.write('EDGEWRIGHT_REQUIRE_DOCKER=1 is set: nothing may be left out.\n')
      process.exitCode = 1
    }
  }
}
