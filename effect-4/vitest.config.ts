import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const test = fileURLToPath(new URL("./test/", import.meta.url))
const src = fileURLToPath(new URL("./src/", import.meta.url))

export default defineConfig({
  resolve: {
    // The same mapping as `paths` in tsconfig.json.
    alias: [
      { find: /^effect\/testing\/TestClock$/, replacement: `${test}utils/effect/TestClock.ts` },
      { find: /^effect-slack-oauth$/, replacement: `${src}index.ts` },
      { find: /^effect-slack-oauth\/testing$/, replacement: `${src}testing/index.ts` },
      { find: /^effect-slack-oauth\/(.+)$/, replacement: `${src}$1.ts` }
    ]
  },
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "./test/utils/globalSetup.ts",
    setupFiles: "./test/utils/deepEquality.ts",
    reporters: ["default", "./test/utils/CountReporter.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    isolate: false,
    maxWorkers: 2,
    maxConcurrency: 2
  }
})
