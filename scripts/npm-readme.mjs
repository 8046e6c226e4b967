// The README as npm shows it: links to other files of the package lead to the copy that unpkg.com has of this version,
// because npm's pages do not have those files. `npm pack` and `npm publish` run it before and after.
//
// usage: node scripts/npm-readme.mjs absolute|relative   (in the folder of the package)
import { readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

const base = ({ name, version }) => `https://unpkg.com/${name}@${version}/`

/** Links to files: not to other sites, and not to places in the page itself. */
const link = /(?<=\]\()(?!https?:|mailto:|#)(?:\.\/)?([^)\s]+)(?=\))/g

export const absolute = (text, manifest) => text.replaceAll(link, (_, path) => `${base(manifest)}${path}`)

export const relative = (text, manifest) => text.replaceAll(`](${base(manifest)}`, "](")

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const change = { absolute, relative }[process.argv[2]]
  if (change === undefined) throw new Error("usage: node scripts/npm-readme.mjs absolute|relative")
  const manifest = JSON.parse(readFileSync("package.json", "utf8"))
  writeFileSync("README.md", change(readFileSync("README.md", "utf8"), manifest))
}
