// Makes the next version of both packages from the changesets: `npm run changeset:version`.
//
// A changeset names its kind and its text once. `changeset version` makes a version of package.json and a section of
// CHANGELOG.md from all of them. The package for Effect 4 gets a version of the same kind, and the same section.
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"

const readJson = (file) => JSON.parse(readFileSync(file, "utf8"))
const writeJson = (file, value) => writeFileSync(file, JSON.stringify(value, null, 2) + "\n")

/** The sections of a changelog, after its title: each begins with `## ` and its version. */
const sectionsOf = (changelog) => changelog.split(/^(?=## )/m).slice(1)

const bump = (version, before, after) => {
  const [major, minor, patch] = version.split(".").map(Number)
  const [old, now] = [before, after].map((text) => text.split(".").map(Number))
  if (old[0] !== now[0]) throw new Error(`${after} leaves the line for Effect 3. Give the changesets another kind`)
  return old[1] === now[1] ? `${major}.${minor}.${patch + 1}` : `${major}.${minor + 1}.0`
}

const before = readJson("package.json").version
execFileSync("npx", ["changeset", "version"], { stdio: "inherit" })
const after = readJson("package.json").version

if (after !== before) {
  const sections = sectionsOf(readFileSync("CHANGELOG.md", "utf8"))
  const section = sections.find((text) => text.startsWith(`## ${after}\n`))
  if (section === undefined) throw new Error(`CHANGELOG.md has no section for ${after}`)

  const manifest = readJson("effect-4/package.json")
  const earlier = sectionsOf(readFileSync("effect-4/CHANGELOG.md", "utf8"))
  // The first release has the version that package.json begins with.
  const version = earlier.length === 0 ? manifest.version : bump(manifest.version, before, after)
  writeJson("effect-4/package.json", { ...manifest, version })
  const lock = readJson("effect-4/package-lock.json")
  lock.version = version
  lock.packages[""].version = version
  writeJson("effect-4/package-lock.json", lock)
  const released = `${section.trimEnd().replace(`## ${after}\n`, `## ${version}\n`)}\n\n`
  writeFileSync("effect-4/CHANGELOG.md", `${["# Changelog\n\n", released, ...earlier].join("").trimEnd()}\n`)
  console.log(`${before} -> ${after} for Effect 3, and ${version} for Effect 4`)
}
execFileSync(process.execPath, ["scripts/sync-version.mjs"], { stdio: "inherit" })
