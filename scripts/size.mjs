// Bundles what size-limit measures (see "size-limit" in package.json): our own code, because every user has effect and
// @effect/* already. It reads dist, so run `npm run build` first.
import { build } from "esbuild"

// The README's first program: an app that turns codes and refresh tokens into tokens.
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
  // What a bundle contains of the errors if it imports one class, or two.
  "one-error": `export { SlackInvalidCode } from "./dist/OAuthV2Error.js"`,
  "two-errors": `export { SlackInvalidCode, SlackRateLimited } from "./dist/OAuthV2Error.js"`
}

// Both peers declare that they have no side effects, so unused imports disappear.
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
// The effect of the build's purity marks.
await bundle("one-error-unmarked", entries["one-error"], { ignoreAnnotations: true })
