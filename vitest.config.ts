import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const src = fileURLToPath(new URL("./src/", import.meta.url))

export default defineConfig({
  resolve: {
    // The same mapping as `paths` in tsconfig.json.
    alias: [
      { find: /^effect-slack-oauth$/, replacement: `${src}index.ts` },
      { find: /^effect-slack-oauth\/testing$/, replacement: `${src}testing/index.ts` },
      { find: /^effect-slack-oauth\/(.+)$/, replacement: `${src}$1.ts` }
    ]
  },
  test: {
    include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
    globalSetup: "./test/utils/globalSetup.ts",
    setupFiles: "./test/utils/deepEquality.ts",
    reporters: ["default", "./test/utils/CountReporter.ts"],
    // For a slow shared machine with two cores. Time inside Effect programs is TestClock's and costs nothing.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Files share what a worker has loaded: `effect` once instead of forty times. None changes a global.
    isolate: false,
    maxWorkers: 2,
    minWorkers: 1,
    maxConcurrency: 2,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text", "json-summary"]
    }
  }
})
