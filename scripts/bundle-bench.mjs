// Bundles the benchmarks and the programs that they start into .tmp/bench, for node. They measure the package as it is
// published: only their own code is bundled, and `effect-slack-oauth` resolves to dist. So run `npm run build` first.
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
