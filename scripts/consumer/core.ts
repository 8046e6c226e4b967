/**
 * A program as a user of the published package writes it. `scripts/check-package.mjs` type-checks, bundles and runs it
 * against the packed tarball, with no optional peer installed.
 */
import { FetchHttpClient } from "@effect/platform"
import { Effect, Layer, Redacted } from "effect"
import { OAuthV2, SlackApp } from "effect-slack-oauth"
import { SlackInvalidCode } from "effect-slack-oauth/OAuthV2Error"

const SlackLive = OAuthV2.layer.pipe(
  Layer.provideMerge(SlackApp.layerConfig),
  Layer.provide(FetchHttpClient.layer)
)

const redirectUri = "https://example.com/callback"

/** A person clicks Allow on the consent page of the Slack emulator that the check runs against. */
const clickAllow = Effect.flatMap(SlackApp.SlackApp, ({ baseUrl, clientId }) =>
  Effect.promise(async () => {
    const form = { client_id: clientId, scope: "chat:write", redirect_uri: redirectUri, decision: "allow" }
    const body = new URLSearchParams(form)
    const response = await fetch(`${baseUrl}/oauth/v2/authorize`, { method: "POST", body, redirect: "manual" })
    return new URL(response.headers.get("location") ?? "").searchParams.get("code") ?? ""
  }))

const install = (code: string) =>
  OAuthV2.access({ code, redirectUri }).pipe(
    Effect.map((response) => response.appId),
    Effect.catchTag("SlackInvalidCode", (error) =>
      Effect.succeed(error instanceof SlackInvalidCode ? error.remedy : "a class that exists twice"))
  )

const results = await Effect.gen(function*() {
  const code = yield* clickAllow
  return [
    yield* install(code),
    yield* install(code),
    yield* Effect.flip(OAuthV2.exchange({ token: Redacted.make("xoxb-test-legacy") })).pipe(
      Effect.map(({ _tag }) => _tag)
    )
  ]
}).pipe(Effect.provide(SlackLive), Effect.runPromise)

if (results.join() !== "A0EMULATED,restart,SlackInvalidToken") throw new Error(`unexpected results: ${results.join()}`)
