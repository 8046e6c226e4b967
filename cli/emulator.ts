/**
 * `effect-slack-oauth emulator`: a Slack emulator on a port.
 */
import * as Command from "@effect/cli/Command"
import * as Options from "@effect/cli/Options"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as ConfigError from "effect/ConfigError"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { createServer } from "node:http"
import { isLoopback } from "../src/internal/loopback.js"
import { CommandFailed, settingFailed } from "./CommandFailed.js"

// -------------------------------------------------------------------------------------
// options
// -------------------------------------------------------------------------------------

const duration = (name: string, standard: string, description: string) =>
  Options.text(name).pipe(
    Options.filterMap(
      (text) => Duration.decodeUnknown(text),
      `--${name} has to be a duration, such as "90 seconds" or "12 hours"`
    ),
    Options.withDefault(Duration.decodeUnknown(standard).pipe(Option.getOrThrow)),
    Options.withDescription(description)
  )

const options = {
  port: Options.integer("port").pipe(
    Options.withDefault(4000),
    Options.filterMap(
      (port) => port >= 0 && port <= 65_535 ? Option.some(port) : Option.none(),
      "--port has to be a number from 0 to 65535"
    ),
    Options.withDescription("The port to listen on; 0 for any free port. The default is 4000.")
  ),
  host: Options.text("host").pipe(
    Options.withDefault("127.0.0.1"),
    Options.withDescription(
      "The address to listen on. The default is 127.0.0.1, which only this machine can reach. With another address, " +
        "everyone who can reach it can take tokens."
    )
  ),
  clientId: Options.text("client-id").pipe(
    Options.optional,
    Options.withDescription("The client id of the emulated app. By default the emulator chooses one.")
  ),
  clientSecret: Options.redacted("client-secret").pipe(
    Options.optional,
    Options.withDescription("The client secret of the emulated app. By default the emulator chooses one.")
  ),
  redirectUris: Options.text("redirect-uri").pipe(
    Options.repeated,
    Options.withDescription(
      "A redirect URL that the app lists, with its port; can be repeated. The default is https://example.com, " +
        "http://localhost:3000 and http://127.0.0.1:3000."
    )
  ),
  workspaces: Options.text("workspace").pipe(
    Options.repeated,
    Options.withDescription("The name of a workspace; can be repeated.")
  ),
  people: Options.text("person").pipe(
    Options.repeated,
    Options.withDescription("The name of a person who is in every workspace; can be repeated.")
  ),
  noRotation: Options.boolean("no-rotation").pipe(
    Options.withDescription("Issue long-lived tokens instead of rotating ones.")
  ),
  pkce: Options.boolean("pkce").pipe(
    Options.withDescription("Let the app use PKCE, which makes it a public client.")
  ),
  accessTokenLifetime: duration(
    "access-token-lifetime",
    "12 hours",
    "How long a rotating access token works, such as \"2 minutes\". The default is 12 hours, as at Slack."
  ),
  refreshGracePeriod: duration(
    "refresh-grace-period",
    "1 minute",
    "How long a refresh token can be used again after its first use. The default is 1 minute; Slack does not document its own."
  ),
  quiet: Options.boolean("quiet").pipe(
    Options.withAlias("q"),
    Options.withDescription("Do not print events.")
  )
}

type Settings = Command.Command.ParseConfig<typeof options>

// -------------------------------------------------------------------------------------
// the emulator
// -------------------------------------------------------------------------------------

const named = (names: ReadonlyArray<string>) => names.length === 0 ? undefined : names.map((name) => ({ name }))

const toEmulatorOptions = (settings: Settings): SlackEmulator.Options => ({
  apps: [{
    clientId: Option.getOrUndefined(settings.clientId),
    clientSecret: Option.getOrUndefined(settings.clientSecret),
    redirectUris: settings.redirectUris.length === 0 ? undefined : settings.redirectUris,
    rotation: !settings.noRotation,
    pkce: settings.pkce
  }],
  workspaces: named(settings.workspaces),
  people: named(settings.people),
  accessTokenLifetime: settings.accessTokenLifetime,
  refreshGracePeriod: settings.refreshGracePeriod
})

const announce = Effect.gen(function*() {
  const { baseUrl, clientId } = yield* SlackApp.SlackApp
  const { clientSecret, id, pkce, redirectUris, signingSecret } = yield* SlackEmulator.app
  const authorize = `${baseUrl}/oauth/v2/authorize?${new URLSearchParams({ client_id: clientId, scope: "chat:write" })}`
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
`)
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

export const emulator = Command.make("emulator", options, (settings) => {
  const server = NodeHttpServer.layer(createServer, { port: settings.port, host: settings.host }).pipe(
    Layer.catchAll((error) => Layer.fail(new CommandFailed({ message: reasonOf(error, settings) })))
  )
  const served = Layer.effectDiscard(announce).pipe(
    Layer.provide(SlackEmulator.serve({ anyone: !isLoopback(settings.host) })),
    Layer.provide(SlackEmulator.layerSlackAppServed()),
    Layer.merge(settings.quiet ? Layer.empty : narrate),
    Layer.provide(SlackEmulator.layer(toEmulatorOptions(settings))),
    Layer.provide(server)
  )
  return Layer.launch(served).pipe(
    Effect.catchIf(ConfigError.isConfigError, settingFailed)
  )
}).pipe(
  Command.withDescription(
    "Run Slack's OAuth side on this machine: consent page, oauth.v2.access, oauth.v2.exchange, auth.test, auth.revoke, " +
      "apps.uninstall. Try installs, refreshes and revocations without a workspace."
  )
)
