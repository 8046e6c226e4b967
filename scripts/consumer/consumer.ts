/**
 * A program as a user of the published package writes it. `scripts/check-package.mjs` type-checks, runs and bundles it
 * against the packed tarball.
 */
import { FetchHttpClient } from "@effect/platform"
import { Effect, Layer, Redacted } from "effect"
import { OAuthV2, SlackApp } from "effect-slack-oauth"
import { SlackInvalidCode } from "effect-slack-oauth/OAuthV2Error"

const SlackLive = OAuthV2.layer.pipe(
  Layer.provide(SlackApp.layerConfig),
  Layer.provide(FetchHttpClient.layer)
)

const install = (code: string) =>
  OAuthV2.access({ code, redirectUri: "https://example.com/callback" }).pipe(
    Effect.map((response) => `installed by ${response.appId}`),
    Effect.catchTag("SlackInvalidCode", (error) =>
      Effect.succeed(`${error._tag} ${error.remedy} ${error instanceof SlackInvalidCode}`))
  )

const program = Effect.all([
  install("good"),
  install("bad"),
  OAuthV2.exchange({ token: Redacted.make("xoxb-test-legacy") }).pipe(Effect.map((response) => response.target._tag))
]).pipe(Effect.provide(SlackLive))

console.log(JSON.stringify(await Effect.runPromise(program)))
