/**
 * `effect-slack-oauth manifest`: the settings of an app at Slack, from the options of the app.
 */
import * as AppManifest from "effect-slack-oauth/AppManifest"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { parseBaseUrl } from "../src/internal/baseUrl.js"
import { standardPaths } from "../src/internal/publicUrl.js"
import { isObject } from "../src/internal/unknown.js"
import { CommandFailed, exitCodes, orSettingFailed, settingFailed } from "./CommandFailed.js"
import * as Command from "./effect/command.js"
import * as Options from "./effect/options.js"
import { isConfigError } from "./effect/settings.js"
import * as Http from "./http.js"
import { listOption } from "./listOption.js"
import * as Slack from "./slack.js"

const path = (name: string, description: string) =>
  Options.text(name).pipe(Options.optional, Options.withDescription(description))

const options = {
  name: Options.text("name").pipe(Options.withDescription("The name of the app.")),
  description: Options.text("description").pipe(
    Options.optional,
    Options.withDescription("One sentence about the app.")
  ),
  publicUrl: Options.text("public-url").pipe(
    Options.withFallbackConfig(Config.string("PUBLIC_URL")),
    Options.withDescription("Where Slack and browsers reach the server. The default is PUBLIC_URL.")
  ),
  botScopes: listOption("bot-scopes", "What the app does as itself."),
  userScopes: listOption("user-scopes", "What the app does on behalf of a person."),
  optionalScopes: listOption("optional-scopes", "Which of these a person may refuse."),
  events: listOption("events", "Events for the bot, besides app_uninstalled and tokens_revoked."),
  userEvents: listOption("user-events", "Events on behalf of people."),
  callbackPath: path("callback-path", `The path of the redirect URL. The default is ${standardPaths.callback}.`),
  eventsPath: path("events-path", `The path of the event address. The default is ${standardPaths.events}.`),
  rotation: Options.boolean("rotation").pipe(
    Options.withDescription("Let tokens rotate. This cannot be switched off again.")
  ),
  pkce: Options.boolean("pkce").pipe(
    Options.withDescription("Make the app a public client (PKCE). Only Slack's support can undo this.")
  ),
  organizations: Options.boolean("organizations").pipe(
    Options.withDescription("Let organizations install the app for all of their workspaces.")
  ),
  diff: Options.boolean("diff").pipe(
    Options.withDescription(
      "Compare with a live app, and change nothing. SLACK_CONFIG_TOKEN has a configuration token of " +
        "https://api.slack.com/apps, and SLACK_APP_ID the app."
    )
  ),
  json: Options.boolean("json").pipe(Options.withDescription("With --diff: print the differences as JSON."))
}

type Settings = Command.Given<typeof options>

// -------------------------------------------------------------------------------------
// the manifest
// -------------------------------------------------------------------------------------

/** The names of the options on the command line, by the names in a program. */
const flags: Readonly<Record<string, string>> = {
  publicUrl: "--public-url",
  callbackPath: "--callback-path",
  eventsPath: "--events-path",
  botScopes: "--bot-scopes",
  userScopes: "--user-scopes",
  optionalScopes: "--optional-scopes",
  botEvents: "--events",
  userEvents: "--user-events"
}

const inFlags = (text: string): string =>
  text.replace(new RegExp(`\\b(?:${Object.keys(flags).join("|")})\\b`, "g"), (name) => flags[name] ?? name)

const made = (settings: Settings): Effect.Effect<AppManifest.Manifest, CommandFailed> =>
  Effect.mapError(
    AppManifest.make({
      name: settings.name,
      description: Option.getOrUndefined(settings.description),
      publicUrl: settings.publicUrl,
      callbackPath: Option.getOrUndefined(settings.callbackPath) as `/${string}` | undefined,
      eventsPath: Option.getOrUndefined(settings.eventsPath) as `/${string}` | undefined,
      botScopes: settings.botScopes,
      userScopes: settings.userScopes,
      optionalScopes: settings.optionalScopes,
      botEvents: settings.events,
      userEvents: settings.userEvents,
      rotation: settings.rotation,
      pkce: settings.pkce,
      organizations: settings.organizations
    }),
    (error) =>
      isConfigError(error)
        ? new CommandFailed({ message: inFlags(settingFailed(error).message.replace(/^\w+: /, "")) })
        : new CommandFailed({ message: error.message })
  )

const baseUrl = Effect.flatMap(
  Config.string("SLACK_BASE_URL").pipe(Config.withDefault("https://slack.com")),
  (text) => {
    const parsed = parseBaseUrl(text)
    return parsed.ok
      ? Effect.succeed(parsed.baseUrl)
      : new CommandFailed({ message: `SLACK_BASE_URL cannot be used: ${parsed.problem}.` })
  }
)

const print = (settings: Settings) =>
  Effect.gen(function*() {
    const manifest = yield* made(settings)
    const page = new URL(AppManifest.createUrl(manifest, yield* baseUrl))
    yield* Console.log(JSON.stringify(manifest, null, 2))
    yield* Console.error(`\nPaste it at ${page.origin}/apps: Create New App, From a manifest. Or open:\n\n${page}`)
    for (const name of [settings.rotation && "--rotation", settings.pkce && "--pkce"]) {
      if (name) yield* Console.error(`\n${name} cannot be undone: read docs/slack-app.md before you save it at Slack.`)
    }
  })

// -------------------------------------------------------------------------------------
// the comparison
// -------------------------------------------------------------------------------------

const newToken =
  "Make a new configuration token at https://api.slack.com/apps (it ends after 12 hours), and set SLACK_CONFIG_TOKEN."

/** What to do about a code of `apps.manifest.export`. */
const remedies: Readonly<Record<string, string>> = {
  invalid_auth: newToken,
  not_authed: newToken,
  token_expired: newToken,
  token_revoked: newToken,
  not_allowed_token_type: `This is not a configuration token, but another one. ${newToken}`,
  no_permission: "The configuration token is of somebody who does not manage this app.",
  app_not_found: "There is no such app in the workspace of the token. Check SLACK_APP_ID.",
  invalid_app_id: "SLACK_APP_ID is not an app id, such as A0123ABCDEF.",
  failed_export: "Slack could not write the manifest of this app. Try again later.",
  ratelimited: "Wait a minute, and try again."
}

const needed = {
  token: "Set SLACK_CONFIG_TOKEN to a configuration token: https://api.slack.com/apps, Your App Configuration Tokens.",
  appId: "Set SLACK_APP_ID to the app id, such as A0123ABCDEF: it is on the app's Basic Information page."
}

const required = <A>(config: Config.Config<A>, message: string): Effect.Effect<A, CommandFailed> =>
  Effect.mapError(config, () => new CommandFailed({ message }))

const live = Effect.gen(function*() {
  const token = yield* required(Config.nonEmptyString("SLACK_CONFIG_TOKEN"), needed.token)
  const appId = yield* required(Config.nonEmptyString("SLACK_APP_ID"), needed.appId)
  const url = yield* baseUrl
  yield* Console.error(`Asks ${url} for the settings of ${appId} (apps.manifest.export). Nothing is changed.`)
  const answer = yield* Slack.call(url, "apps.manifest.export", { app_id: appId }, { bearer: Redacted.make(token) })
  switch (answer._tag) {
    case "NoAnswer":
      return yield* new CommandFailed({ message: `${url} ${answer.problem}. Check the network and SLACK_BASE_URL.` })
    case "Refused":
      return yield* new CommandFailed({
        message: `Slack refused: ${answer.code}. ${remedies[answer.code] ?? "Look the code up in Slack's reference."}`
      })
    case "Ok":
      return isObject(answer.body["manifest"])
        ? answer.body["manifest"]
        : yield* new CommandFailed({ message: "Slack's answer has no manifest. Try again later." })
  }
})

const words = (value: unknown): string =>
  value === undefined ? "nothing" : Array.isArray(value) ? value.join(", ") : JSON.stringify(value)

const lines = ({ actual, isOneWay, path, wanted }: AppManifest.Difference): ReadonlyArray<string> => [
  path,
  ...(Array.isArray(wanted) && wanted.length === 0 ? [] : [`  + ${words(wanted)}`]),
  ...(Array.isArray(actual) && actual.length === 0 ? [] : [`  - ${words(actual)}`]),
  ...(isOneWay ? ["  This switch cannot be switched off again."] : [])
]

const compare = (settings: Settings) =>
  Effect.gen(function*() {
    const manifest = yield* made(settings)
    const differences = AppManifest.diff(manifest, yield* live)
    if (settings.json) yield* Console.log(JSON.stringify({ differences }, null, 2))
    else if (differences.length === 0) yield* Console.log("The app at Slack has these settings.")
    else for (const difference of differences) yield* Console.log(lines(difference).join("\n"))
    if (differences.length > 0) {
      return yield* new CommandFailed({
        message: `${differences.length} ${
          differences.length === 1 ? "setting differs" : "settings differ"
        }. + is what the manifest has, - what the app at Slack has.`,
        exitCode: exitCodes.found
      })
    }
  })

export const manifest = Command.make(
  "manifest",
  options,
  (settings) =>
    (settings.diff ? compare(settings) : print(settings)).pipe(
      Effect.provide(Http.layer),
      orSettingFailed
    )
).pipe(
  Command.withDescription(
    "Print the manifest of an app, which is all its settings at Slack, as JSON. With --diff, compare it with a live " +
      "app. Exit codes: 0 printed, or the same; 1 something failed; 3 there are differences."
  )
)
