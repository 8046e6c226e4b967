import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { assert, describe, it } from "@effect/vitest"
import * as KeyValueInstallationStore from "effect-slack-oauth/KeyValueInstallationStore"
import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { build } from "esbuild"
import * as Path from "node:path"
import { botToken, install } from "../src/internal/storeSuite/fixtures.js"
import { temporaryFolder } from "./utils/databases.js"
import { acquire } from "./utils/resources.js"
import * as Stores from "./utils/stores.js"

const folder = await acquire(temporaryFolder)

InstallationStoreSuite.register({
  name: "files",
  layer: Stores.files(folder),
  contents: Stores.bytesIn(folder),
  installations: 120
})

describe("a place", () => {
  it.effect("is resolved without decrypting a row, and a row that cannot be decrypted is found too", () =>
    Effect.gen(function*() {
      let opened = 0
      const cipher = Layer.effect(
        TokenCipher.TokenCipher,
        Effect.map(TokenCipher.TokenCipher, (service) => ({
          ...service,
          open: (stored: string, row: string) =>
            Effect.suspend(() => {
              opened++
              return service.open(stored, row)
            })
        }))
      ).pipe(Layer.provide(Stores.cipher))
      const texts = yield* Layer.build(KeyValueStore.layerMemory)
      const open = (cipher: Layer.Layer<TokenCipher.TokenCipher, unknown>) =>
        Effect.provide(KeyValueInstallationStore.make, Layer.merge(cipher, Layer.succeedContext(texts)))
      const store = yield* open(cipher)
      const saved = yield* store.save(install({ appId: "A1", teamId: "T1", bot: botToken("b") }))
      opened = 0
      const place = { appId: "A1", teamId: "T1", enterpriseId: "E1" }
      assert.deepStrictEqual(Option.map(yield* store.resolve(place), String), Option.some(String(saved.key)))
      assert.strictEqual(opened, 0)

      const withoutKey = yield* open(TokenCipher.layerPlain)
      assert.isTrue(Option.isSome(yield* withoutKey.resolve(place)))
      yield* withoutKey.remove(saved.key)
      assert.isTrue(Option.isNone(yield* store.resolve(place)))
    }).pipe(Effect.scoped))
})

describe("a program with the store in memory", () => {
  it("has nothing of the store over a KeyValueStore in its bundle", async () => {
    const modulesOf = async (source: string) => {
      const { metafile } = await build({
        stdin: { contents: source, resolveDir: Path.resolve(import.meta.dirname, "../src"), loader: "ts" },
        bundle: true,
        write: false,
        metafile: true,
        packages: "external",
        format: "esm"
      })
      const packages = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
        .map((path) => Path.basename(path))
      return [...Object.keys(metafile.inputs), ...packages].filter((module) => module.includes("KeyValue"))
    }
    assert.deepStrictEqual(await modulesOf(`export { layerMemory } from "./InstallationStore.js"`), [])
    assert.deepStrictEqual(await modulesOf(`export { layer } from "./KeyValueInstallationStore.js"`), [
      "src/KeyValueInstallationStore.ts",
      "KeyValueStore"
    ])
  })
})
