/** `npm run stress -- store`: the suite of stores with several processes, with long rounds, on libsql and Postgres. */
import * as Path from "node:path"
import { startVitest } from "vitest/node"
import { root } from "../utils/bundle.js"

export const run = async () => {
  const vitest = await startVitest("test", [], {
    root,
    config: Path.join(root, "vitest.config.ts"),
    include: ["test/stress/store.*.ts"],
    testNamePattern: /processes:|encryption:/,
    reporters: [["default", { summary: false }]],
    disableConsoleIntercept: true,
    watch: false
  })
  const failed = vitest.state.getCountOfFailedTests() + vitest.state.getUnhandledErrors().length
  const passed = vitest.state.getFiles().filter((file) => file.result?.state === "pass").length
  await vitest.close()
  if (failed > 0 || passed !== 2) throw new Error("Not all store rounds passed")
}
