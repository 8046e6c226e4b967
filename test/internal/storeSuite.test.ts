import * as Command from "@effect/platform/Command"
import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallationStoreWorker from "effect-slack-oauth/testing/InstallationStoreWorker"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { vi } from "vitest"
import { streamingInLittleMemory } from "../../src/internal/storeSuite/processes.js"
import * as Tasks from "../../src/internal/storeSuite/tasks.js"
import { libsqlUrl } from "../utils/databases.js"
import * as Stores from "../utils/stores.js"

/** What is written to the standard output, which takes a line when `take` is called. */
const heldOutput = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => {
      const held: Array<{ readonly line: string; readonly take: () => void }> = []
      const write = (line: string, take: () => void) => held.push({ line, take }) > 0
      return { held, spy: vi.spyOn(process.stdout, "write").mockImplementation(write as typeof process.stdout.write) }
    }),
    ({ spy }) => Effect.sync(() => spy.mockRestore())
  ),
  ({ held }) => held
)

const task = (task: Tasks.Task) =>
  Effect.withConfigProvider(ConfigProvider.fromMap(new Map([[Tasks.variable, JSON.stringify(task)]])))

const settle = Effect.repeatN(Effect.yieldNow(), 100)

describe("the store suite", () => {
  it.scoped("has a writer that makes no write while it announces the one before it", () =>
    Effect.gen(function*() {
      const held = yield* heldOutput
      const lines = () => held.map(({ line }) => line)
      yield* Effect.fork(task({ _tag: "Write", appId: "A0WRITE", worker: "w" })(InstallationStoreWorker.main))
      yield* settle
      assert.deepStrictEqual(lines(), ["save 1\n"])
      held[0]!.take()
      yield* settle
      assert.deepStrictEqual(lines(), ["save 1\n", "swap 1\n"])
    }).pipe(Effect.provide(InstallationStore.layerMemory)))

  it.scopedLive(
    "says that a worker ran out of memory, if the store holds all that it streams",
    () =>
      Effect.gen(function*() {
        const url = yield* libsqlUrl
        const { command, executor, fill } = yield* Stores.processes(url)
        const settings = { executor, fill, count: 1, operations: 1, kills: 1, installations: 1500 }
        const wrong = Command.env(command, { HOARD: "1" })
        const cause = yield* Effect.flip(Effect.sandbox(
          Effect.flatMap(
            InstallationStore.InstallationStore,
            (store) => streamingInLittleMemory(store, "A0HOARD", { ...settings, command: wrong })
          ).pipe(
            Effect.provide(Stores.sql(url))
          )
        ))
        assert.match(String(Cause.squash(cause)), /A worker ran out of memory. It streamed 60 MB and had \d+ MB/)
      }),
    120_000
  )
})
