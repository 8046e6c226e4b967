/** What every store of installations does because of its other operations. */
import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { botToken, install } from "../src/internal/storeSuite/fixtures.js"
import { makeWatcher } from "./utils/spansAndLogs.js"

const workspace = install({ appId: "A0TEST", teamId: "T1", bot: botToken("b") })

describe("a place without an app", () => {
  const app = (appId?: string) => SlackApp.layer({ clientId: "1.2", appId })

  it.effect("belongs to the app of the context", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(workspace)
      const resolved = InstallationStore.resolve({ teamId: "T1" })
      assert.deepStrictEqual(yield* Effect.provide(resolved, app("A0TEST")), Option.some(workspace.key))
      assert.isTrue(Option.isSome(yield* Effect.provide(InstallationStore.find({ teamId: "T1" }), app("A0TEST"))))
      assert.isTrue(Option.isNone(yield* Effect.provide(resolved, app("A0OTHER"))))
    }).pipe(Effect.provide(InstallationStore.layerMemory)))

  it.effect("is not found, and a warning says why, if the context has no app id either", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(workspace)
      const { text, watch } = makeWatcher()
      for (const layer of [app(), Layer.empty]) {
        const resolved = Effect.provide(InstallationStore.resolve({ teamId: "T1" }), layer)
        assert.isTrue(Option.isNone(yield* watch(resolved)))
      }
      assert.include(text(), "SLACK_APP_ID")
    }).pipe(Effect.provide(InstallationStore.layerMemory)))
})

describe("a store of operations without resolve", () => {
  it.effect("resolves a place by reading", () =>
    Effect.gen(function*() {
      const { changes: _, onChange: __, resolve: ___, ...operations } = yield* InstallationStore.InstallationStore
      const store = InstallationStore.make(operations)
      yield* store.save(workspace)
      const place = { appId: "A0TEST", teamId: "T1", enterpriseId: "E1" }
      assert.deepStrictEqual(yield* store.resolve(place), Option.some(workspace.key))
      assert.isTrue(Option.isNone(yield* store.resolve({ appId: "A0TEST", enterpriseId: "E1" })))
    }).pipe(Effect.provide(InstallationStore.layerMemory)))
})

describe("a write that fails, dies or is interrupted", () => {
  it.effect("is told to listeners, because it may have happened", () =>
    Effect.gen(function*() {
      const memory = yield* InstallationStore.InstallationStore
      const error = new InstallationStore.InstallationStoreError({ operation: "save", reason: "unavailable" })
      const heard: Array<string> = []
      for (const end of [Effect.fail(error), Effect.die("closed"), Effect.interrupt]) {
        const store = InstallationStore.make({ ...memory, save: () => end, remove: () => end })
        yield* store.onChange(({ key }) => heard.push(String(key)))
        yield* Effect.exit(store.save(workspace))
        yield* Effect.exit(store.remove(workspace.key))
      }
      assert.deepStrictEqual(heard, Array.from({ length: 6 }, () => String(workspace.key)))
    }).pipe(Effect.scoped, Effect.provide(InstallationStore.layerMemory)))

  it.effect("is not told to a listener whose scope has closed", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      const heard: Array<unknown> = []
      yield* Effect.scoped(store.onChange((change) => heard.push(change)))
      yield* store.save(workspace)
      assert.deepStrictEqual(heard, [])
    }).pipe(Effect.provide(InstallationStore.layerMemory)))
})
