/** The tests that `npm run mutation` runs: those that reach the files which it changes, and need no process of their own. */
import { defineConfig } from "vitest/config"
import project from "../vitest.config.js"

const names = [
  "OAuthV2",
  "RetryPolicy",
  "TokenManager",
  "TokenManager.deadlines",
  "TokenManager.ends",
  "TokenManager.places",
  "TokenManager.property",
  "TokenMigration",
  "internal/rotation"
]

export default defineConfig({
  ...project,
  test: {
    ...project.test,
    include: names.map((name) => `test/${name}.test.ts`),
    globalSetup: [],
    reporters: ["dot"],
    isolate: true
  }
})
