// Writes the version of package.json into src/internal/version.ts, which the User-Agent header uses.
import { readFileSync, writeFileSync } from "node:fs"

const file = new URL("../src/internal/version.ts", import.meta.url)
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const source = readFileSync(file, "utf8")
const updated = source.replace(/(export const version = )"[^"]*"/, `$1"${version}"`)
if (!updated.includes(`"${version}"`)) {
  throw new Error("src/internal/version.ts has no version to replace. Add one: export const version = \"0.0.0\"")
}
writeFileSync(file, updated)
