/**
 * All calls over real HTTP: a code, a refresh token and a legacy token become tokens, some calls fail, and then days of
 * token rotation pass.
 *
 * Slack is the emulator on a port of this machine, with a clock that can be moved. If `SLACK_BASE_URL`,
 * `SLACK_CLIENT_ID`, `SLACK_CLIENT_SECRET` and `SLACK_CODE` are set, it is that Slack instead, and only the calls are
 * made. `SLACK_LEGACY_TOKEN` is then a token to exchange, which cannot be undone.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import { createServer } from "node:http"
import * as Terminal from "../support/terminal.js"
import { calls, repetitions } from "./calls.js"
import { days } from "./days.js"

const onEmulator = Effect.gen(function*() {
  const { baseUrl } = yield* SlackApp.SlackApp
  yield* Console.log(`Slack is the emulator at ${baseUrl}`)
  const { code } = yield* SlackEmulator.authorize({ scopes: ["chat:write", "commands"], userScopes: ["search:read"] })
  const emulator = yield* SlackEmulator.SlackEmulator
  const longAgo = yield* emulator.addWorkspace({ name: "Installed Long Ago" })
  yield* calls(code, Option.some(yield* SlackEmulator.issueLegacyToken({ workspace: longAgo.id })))
  yield* repetitions
  yield* days
})

const withEmulator = onEmulator.pipe(
  Effect.provide(
    TokenManager.layer().pipe(
      Layer.provideMerge(Layer.merge(OAuthV2.layer, InstallationStore.layerMemory)),
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provideMerge(Layer.merge(SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())),
      Layer.provideMerge(SlackEmulator.layer()),
      Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
      Layer.provideMerge(MovableClock.layer)
    )
  )
)

const onSlack = (code: Redacted.Redacted) =>
  Effect.gen(function*() {
    const { baseUrl } = yield* SlackApp.SlackApp
    yield* Console.log(`Slack is ${baseUrl}`)
    yield* calls(code, yield* Config.option(Config.redacted("SLACK_LEGACY_TOKEN")))
  }).pipe(
    Effect.provide(
      OAuthV2.layer.pipe(Layer.provide(NodeHttpClient.layerUndici), Layer.provideMerge(SlackApp.layerConfig))
    )
  )

const program = Effect.flatMap(
  Config.option(Config.redacted("SLACK_CODE")),
  Option.match({ onNone: () => withEmulator, onSome: onSlack })
)

program.pipe(
  Effect.tapError((error) =>
    OAuthV2Error.isOAuthV2Error(error) ? Terminal.failure(error) : Console.error(error.message)
  ),
  (effect) => NodeRuntime.runMain(effect, { disableErrorReporting: true })
)
