import { assert, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { version } from "../src/internal/version.js"

it("the version that calls carry is the package's", () => {
  const manifest = JSON.parse(Fs.readFileSync(new URL("../package.json", import.meta.url), "utf8"))
  assert.strictEqual(version, manifest.version)
})
