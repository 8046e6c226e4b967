// Bundles what size-limit measures (see "size-limit" in package.json): our own code only, effect and @effect/* are the
// user's already. Reads dist, so `npm run build` comes first.
import { build } from "esbuild"

// The README's first program: what an app carries that only turns codes and refresh tokens into tokens.
const program = (imports) => `
  import { FetchHttpClient } from "@effect/platform"
  import { Effect, Layer } from "effect"
  ${imports}

  export const SlackLive = OAuthV2.layer.pipe(
    Layer.provide(SlackApp.layerConfig),
    Layer.provide(FetchHttpClient.layer)
  )
  export const program = OAuthV2.access({ code: "code" }).pipe(Effect.catchTag("SlackInvalidCode", () => Effect.void))
`

const entries = {
  core: program(`
    import * as OAuthV2 from "./dist/OAuthV2.js"
    import * as SlackApp from "./dist/SlackApp.js"
  `),
  // esbuild keeps every export of a module that comes out of the index.
  "core-by-index": program(`import { OAuthV2, SlackApp } from "./dist/index.js"`),
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
