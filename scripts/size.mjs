// Bundles what size-limit measures (see "size-limit" in package.json): our own code only, effect and @effect/* are the
// user's already. Reads dist, so `npm run build` comes first.
import { build } from "esbuild"

const entries = {
  // The README's first program: what an app carries that only turns codes and refresh tokens into tokens.
  core: `
    import { FetchHttpClient } from "@effect/platform"
    import { Effect, Layer } from "effect"
    import { OAuthV2, SlackApp } from "./dist/index.js"

    export const SlackLive = OAuthV2.layer.pipe(
      Layer.provide(SlackApp.layerConfig),
      Layer.provide(FetchHttpClient.layer)
    )
    export const program = OAuthV2.access({ code: "code" }).pipe(Effect.catchTag("SlackInvalidCode", () => Effect.void))
  `,
  // What a bundle keeps of the catalogue when it names one error by its class, and when it names a second.
  "one-error": `export { SlackInvalidCode } from "./dist/OAuthV2Error.js"`,
  "two-errors": `export { SlackInvalidCode, SlackRateLimited } from "./dist/OAuthV2Error.js"`
}

// Both peers declare that they have no side effects, so an import that nothing uses goes away.
const peers = {
  name: "peers",
  setup: ({ onResolve }) => {
    onResolve(
      { filter: /^(effect|@effect\/[^/]+)(\/|$)/ },
      ({ path }) => ({ path, external: true, sideEffects: false })
    )
  }
}

const bundle = (name, contents, options) =>
  build({
    stdin: { contents, resolveDir: process.cwd() },
    outfile: `.tmp/size/${name}.js`,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    plugins: [peers],
    ...options
  })

for (const [name, contents] of Object.entries(entries)) await bundle(name, contents)
// What the purity marks of the build are worth.
await bundle("one-error-unmarked", entries["one-error"], { ignoreAnnotations: true })
