// Bundles the benchmarks and the programs that they start into .tmp/bench, for node. They measure the package as it is
// published: only their own code is bundled, and `effect-slack-oauth` resolves to dist. So run `npm run build` first.
import { build } from "esbuild"
import { existsSync, rmSync } from "node:fs"

const bundle = (folder, entries) => {
  rmSync(`${folder}/.tmp/bench`, { recursive: true, force: true })
  return build({
    entryPoints: entries.map((entry) => `${folder}/bench/${entry}.ts`),
    outdir: `${folder}/.tmp/bench`,
    entryNames: "[name]",
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    // The project's tsconfig.json maps the package's name to src.
    tsconfigRaw: {}
  })
}

await bundle(".", ["main", "docs", "programs/*"])
// What `npm run effect-4` has made, for the benchmark of both majors.
if (existsSync("effect-4/dist")) await bundle("effect-4", ["programs/call", "programs/slack"])
