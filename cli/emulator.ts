/**
 * `effect-slack-oauth emulator`: a Slack emulator on a port.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import { isLoopback } from "../src/internal/loopback.js"
import { CommandFailed, orSettingFailed } from "./CommandFailed.js"
import * as Command from "./effect/command.js"
import { options, readSeed, type Settings, toEmulatorOptions } from "./emulatorOptions.js"

const announce = (control: boolean) =>
  Effect.gen(function*() {
    const { baseUrl, clientId } = yield* SlackApp.SlackApp
    const { clientSecret, id, pkce, redirectUris, signingSecret } = yield* SlackEmulator.app
    const authorize = `${baseUrl}/oauth/v2/authorize?${new URLSearchParams({
      client_id: clientId,
      scope: "chat:write"
    })}`
    yield* Console.log(`Slack emulator on ${baseUrl}. Its state is lost when it stops (Ctrl+C).

Connect an app with these variables:

  SLACK_BASE_URL=${baseUrl}
  SLACK_CLIENT_ID=${clientId}
  SLACK_CLIENT_SECRET=${Redacted.value(clientSecret)}${pkce ? "   # not with PKCE: use SlackApp.layerConfigPublic" : ""}
  SLACK_APP_ID=${id}
  SLACK_SIGNING_SECRET=${Redacted.value(signingSecret)}

A redirect URL has to be one of these, or below one of them: ${redirectUris.join(", ")}
Install the app in a browser, with your own scopes and redirect_uri:

  ${authorize}

For Slack's own packages: slackApiUrl "${baseUrl}/api/", authorizationUrl "${baseUrl}/oauth/v2/authorize".
${control ? `Control it: ${baseUrl}/control in a browser, ${baseUrl}/control/openapi.json for programs.\n` : ""}`)
  })

/** Prints each event. */
const narrate = Layer.scopedDiscard(Effect.forkScoped(Stream.runForEach(SlackEmulator.follow, Console.log)))

const reasonOf = (error: HttpServerError.ServeError, { host, port }: Settings): string => {
  const code = Predicate.hasProperty(error.cause, "code") ? String(error.cause.code) : "unknown reason"
  switch (code) {
    case "EADDRINUSE":
      return `Port ${port} on ${host} is in use. Stop the program that uses it, or choose another port with --port (0 for any free port).`
    case "EACCES":
      return `You may not listen on port ${port}. Choose a port above 1023 with --port.`
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return `This machine has no address ${host}. Leave out --host, or use 127.0.0.1 or 0.0.0.0.`
    default:
      return `The emulator cannot listen on ${host}, port ${port}: ${code}.`
  }
}

const run = (settings: Settings) =>
  Effect.gen(function*() {
    const emulatorOptions = toEmulatorOptions(settings, yield* readSeed(settings.seed))
    const server = NodeHttpServer.layer(createServer, { port: settings.port, host: settings.host }).pipe(
      Layer.catchAll((error) => Layer.fail(new CommandFailed({ message: reasonOf(error, settings) })))
    )
    const served = Layer.effectDiscard(announce(settings.control)).pipe(
      Layer.provide(SlackEmulator.serve({ anyone: !isLoopback(settings.host), control: settings.control })),
      Layer.provide(SlackEmulator.layerSlackAppServed()),
      Layer.merge(settings.quiet ? Layer.empty : narrate),
      Layer.provide(SlackEmulator.layer(emulatorOptions)),
      Layer.provide(server),
      settings.control ? Layer.provide(MovableClock.layer) : identity
    )
    // A fiber of its own, which nobody waits for: the command ends at once, whatever it has not answered yet.
    return yield* Fiber.join(yield* Effect.forkDaemon(Layer.launch(served)))
  }).pipe(orSettingFailed)

export const emulator = Command.make("emulator", options, run).pipe(
  Command.withDescription(
    "Run Slack's OAuth side on this machine: consent page, oauth.v2.access, oauth.v2.exchange, auth.test, auth.revoke, " +
      "apps.uninstall. Try installs, refreshes and revocations without a workspace."
  )
)
