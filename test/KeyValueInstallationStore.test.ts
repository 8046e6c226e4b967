import { assert, describe, it } from "@effect/vitest"
import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import { build } from "esbuild"
import * as Path from "node:path"
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
      return [...Object.keys(metafile.inputs), ...packages].filter((module) => module.includes("KeyValue"))
    }
    assert.deepStrictEqual(await modulesOf(`export { layerMemory } from "./InstallationStore.js"`), [])
    assert.deepStrictEqual(await modulesOf(`export { layer } from "./KeyValueInstallationStore.js"`), [
      "src/KeyValueInstallationStore.ts",
      "@effect/platform/KeyValueStore"
    ])
  })
})
