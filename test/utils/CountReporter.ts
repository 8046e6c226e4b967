/** A reporter of vitest that counts tests, for tools. */
import type { Reporter, TestModule } from "vitest/node"

/**
 * Ends the output with a line `N passed, N failed`. It is written at exit, after vitest's own summary and the coverage
 * table.
 *
 * A file that does not load counts as a failure, and so does an error outside of all tests.
 */
export default class CountReporter implements Reporter {
  private line = ""

  onInit(): void {
    process.once("exit", () => process.stdout.write(this.line))
  }

  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandledErrors: ReadonlyArray<unknown>): void {
    const count = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      count.failed += module.errors().length
      for (const suite of module.children.allSuites()) {
        count.failed += suite.errors().length
      }
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state !== "pending") count[state]++
      }
    }
    const skipped = count.skipped === 0 ? "" : `, ${count.skipped} skipped`
    this.line = `${count.passed} passed, ${count.failed} failed${skipped}\n`
  }
}
