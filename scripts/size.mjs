// Bundles what size-limit measures (see "size-limit" in package.json): our own code only, effect and @effect/* are the
// user's already. Reads dist, so `npm run build` comes first.
import { build } from "esbuild"

const entries = {
  core: ["SlackApp", "OAuthV2", "OAuthV2Error", "TokenResponse", "RetryPolicy"]
    .map((name) => `export * as ${name} from "./dist/${name}.js"`)
    .join("\n"),
  // What a bundle keeps of the catalogue when it catches one error by its class.
  "one-error": `export { SlackInvalidCode } from "./dist/OAuthV2Error.js"`
}

for (const [name, contents] of Object.entries(entries)) {
  await build({
    stdin: { contents, resolveDir: process.cwd() },
    outfile: `.tmp/size/${name}.js`,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external: ["effect", "@effect/*"]
  })
}
