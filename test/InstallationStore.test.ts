import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"

InstallationStoreSuite.register({ name: "memory", layer: InstallationStore.layerMemory })

describe("reencrypt", () => {
  it.effect("of many rows that cannot be decrypted takes no longer than reading them", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      const error = new InstallationStore.InstallationStoreError({ operation: "reencrypt", reason: "keyMissing" })
      const row = (index: number): InstallationStore.Reencrypted => ({
        row: `A1/workspace/T${index}`,
        error: index % 2 === 0 ? Option.some(error) : Option.none()
      })
      const report = yield* Effect.provideService(InstallationStore.reencrypt, InstallationStore.InstallationStore, {
        ...store,
        reencrypt: Stream.map(Stream.range(1, 300_000), row)
      })
      assert.deepStrictEqual([report.sealed, report.failed.length], [150_000, 150_000])
    }).pipe(Effect.provide(InstallationStore.layerMemory)))
})
