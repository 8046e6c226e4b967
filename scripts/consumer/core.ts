/**
 * A program as a user of the published package writes it. `scripts/check-package.mjs` type-checks, bundles and runs it
 * against the packed tarball, with no optional peer installed.
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
    Effect.map((response) => response.appId),
    Effect.catchTag("SlackInvalidCode", (error) =>
      Effect.succeed(error instanceof SlackInvalidCode ? error.remedy : "a class that exists twice"))
  )

const results = await Effect.all([
  install("good"),
  install("bad"),
  OAuthV2.exchange({ token: Redacted.make("xoxb-test-legacy") }).pipe(Effect.map((response) => response.target._tag))
]).pipe(Effect.provide(SlackLive), Effect.runPromise)

if (results.join() !== "A0TEST,restart,Workspace") throw new Error(`unexpected results: ${results.join()}`)
