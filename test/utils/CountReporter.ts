import type { Reporter, TestModule } from "vitest/node"

/**
 * Ends the output with a line `N passed, N failed`, for tools that read counts; at exit, since vitest's own summary and
 * the coverage table come late.
 *
 * A file that does not load and an error outside any test count as failures: otherwise a broken file would read as
 * nothing but green.
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
