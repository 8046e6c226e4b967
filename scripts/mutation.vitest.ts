/** The tests of a group of files that `npm run mutation` changes. */
import { defineConfig } from "vitest/config"
import project from "../vitest.config.js"

export default defineConfig({
  ...project,
  test: {
    ...project.test,
    include: (process.env.MUTATION_TESTS ?? "").split(",").map((name) => `test/${name}.test.ts`),
    globalSetup: [],
    reporters: ["dot"],
    isolate: true
  }
})
