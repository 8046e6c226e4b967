import * as Command from "@effect/platform/Command"
import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { streamingInLittleMemory } from "../../src/internal/storeSuite/processes.js"
import { libsqlUrl } from "../utils/databases.js"
import * as Stores from "../utils/stores.js"

describe("the store suite", () => {
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
