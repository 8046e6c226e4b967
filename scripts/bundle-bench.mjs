// Bundles the benchmarks and the programs that they start into .tmp/bench, for plain node: what is measured is the
// package as it is published. Only the benchmarks' own code is bundled; `effect-slack-oauth` is resolved by the
// package's own name, to dist, so `npm run build` comes first.
import { build } from "esbuild"
import { rmSync } from "node:fs"

rmSync(".tmp/bench", { recursive: true, force: true })
await build({
  entryPoints: ["bench/main.ts", "bench/docs.ts", "bench/programs/*.ts"],
  outdir: ".tmp/bench",
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
