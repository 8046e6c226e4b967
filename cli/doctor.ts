/**
 * `effect-slack-oauth doctor`: reads the settings that an app starts with, looks at what they name, and says what is wrong.
 */
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { parseBaseUrl } from "../src/internal/baseUrl.js"
import { settingList } from "../src/internal/commaList.js"
import { parsePath, parsePublicUrl, standardPaths } from "../src/internal/publicUrl.js"
import { CommandFailed, exitCodes } from "./CommandFailed.js"
import { clock } from "./doctor/clock.js"
import { credentials } from "./doctor/credentials.js"
import * as Database from "./doctor/database.js"
import { type Finding, skipped } from "./doctor/finding.js"
import { liveApp, type Wanted } from "./doctor/liveApp.js"
import { checkProject } from "./doctor/packages.js"
import { readProject } from "./doctor/project.js"
import { redirectUrl } from "./doctor/redirectUrl.js"
import * as Report from "./doctor/report.js"
import * as Requests from "./doctor/requests.js"
import * as Server from "./doctor/server.js"
import * as Settings from "./doctor/settings.js"
import * as Command from "./effect/command.js"
import * as Options from "./effect/options.js"
import * as Http from "./http.js"
import { listOption } from "./listOption.js"
import * as Slack from "./slack.js"

const path = (name: string, standard: string, description: string) =>
  Options.text(name).pipe(
    Options.withDefault(standard),
    Options.filterMap((text) => {
      const parsed = parsePath(text)
      return parsed.ok ? Option.some(parsed.path) : Option.none()
    }, `--${name} has to be a path, such as ${standard}`),
    Options.withDescription(`${description} The default is ${standard}.`)
  )

const options = {
  publicUrl: Options.text("public-url").pipe(
    Options.withFallbackConfig(Config.string("PUBLIC_URL")),
    Options.optional,
    Options.withDescription("Where Slack and browsers reach the server. The default is PUBLIC_URL.")
  ),
  installPath: path("install-path", standardPaths.install, "The path where an install begins."),
  callbackPath: path("callback-path", standardPaths.callback, "The path of the redirect URL."),
  eventsPath: path("events-path", standardPaths.events, "The path of the event address."),
  redirectUrls: listOption("redirect-url", "The redirect URLs in the app's settings at Slack."),
  botScopes: listOption("bot-scopes", "The scopes that the server asks for as the app."),
  userScopes: listOption("user-scopes", "The scopes that the server asks for on behalf of people."),
  database: Options.text("database").pipe(
    Options.withFallbackConfig(Config.string("DATABASE_URL")),
    Options.optional,
    Options.withDescription("The database with the installations. The default is DATABASE_URL.")
  ),
  publicClient: Options.boolean("public-client").pipe(
    Options.withDescription("The app has no client secret (PKCE, SlackApp.layerConfigPublic).")
  ),
  offline: Options.boolean("offline").pipe(
    Options.withDescription("Look at settings and packages only. Nothing is called, and no database is opened.")
  ),
  json: Options.boolean("json").pipe(Options.withDescription("Print the findings as JSON."))
}

type Given = Command.Given<typeof options>

const variable = (name: string) => Effect.map(Effect.option(Config.string(name)), Option.getOrUndefined)

interface Context {
  readonly given: Given
  readonly settings: Settings.Settings
  readonly baseUrl: string | undefined
  /** The server's public URL, if it can be used. */
  readonly server: string | undefined
}

const contextOf = (given: Given) =>
  Effect.gen(function*() {
    const settings: Settings.Settings = {
      clientId: yield* variable("SLACK_CLIENT_ID"),
      clientSecret: yield* variable("SLACK_CLIENT_SECRET"),
      appId: yield* variable("SLACK_APP_ID"),
      signingSecret: yield* variable("SLACK_SIGNING_SECRET"),
      baseUrl: yield* variable("SLACK_BASE_URL"),
      keys: yield* variable("SLACK_TOKEN_KEYS"),
      publicUrl: Option.getOrUndefined(given.publicUrl),
      publicClient: given.publicClient
    }
    const base = parseBaseUrl(settings.baseUrl ?? "https://slack.com")
    const server = parsePublicUrl(settings.publicUrl ?? "")
    return {
      given,
      settings,
      baseUrl: base.ok ? base.baseUrl : undefined,
      server: server.ok ? server.base : undefined
    } satisfies Context
  })

// -------------------------------------------------------------------------------------
// what is looked at
// -------------------------------------------------------------------------------------

const settingsFindings = ({ settings }: Context): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.map(Settings.keys(settings), (keys) => [
    Settings.clientId(settings),
    Settings.clientSecret(settings),
    Settings.appId(settings),
    Settings.signingSecret(settings),
    Settings.baseUrl(settings),
    keys,
    Settings.publicUrl(settings)
  ])

/** A made-up code, so that no real code is spent. */
const madeUpCode = "effect-slack-oauth-doctor"

const isWrong = (findings: ReadonlyArray<Finding>, ...ids: ReadonlyArray<string>): boolean =>
  findings.some(({ id, level }) => level === "error" && ids.includes(id))

/** The credentials and the clock, by one call. Settings that cannot be right are not sent. */
const slackFindings = ({ baseUrl, settings }: Context, found: ReadonlyArray<Finding>) =>
  Effect.gen(function*() {
    const { clientId, clientSecret, publicClient } = settings
    const proof = publicClient ? undefined : clientSecret
    if (
      baseUrl === undefined || clientId === undefined || (!publicClient && proof === undefined) ||
      isWrong(found, "client-id", "client-secret", "base-url")
    ) {
      const todo = "Fix the settings above first."
      return [skipped("credentials", "Slack was not asked.", todo), skipped("clock", "Slack was not asked.", todo)]
    }
    const answer = yield* proof === undefined
      ? Slack.call(baseUrl, "oauth.v2.access", { code: madeUpCode, client_id: clientId })
      : Slack.call(baseUrl, "oauth.v2.access", { code: madeUpCode }, { id: clientId, secret: Redacted.make(proof) })
    const now = yield* Clock.currentTimeMillis
    return [credentials(answer, { baseUrl, publicClient }), clock(answer.date, now)]
  })

const serverFindings = ({ baseUrl, given, server, settings }: Context, found: ReadonlyArray<Finding>) =>
  Effect.gen(function*() {
    if (server === undefined || baseUrl === undefined || isWrong(found, "public-url", "base-url")) {
      return [
        skipped("install-address", "The server was not asked.", "Give --public-url, and fix the settings above.")
      ]
    }
    const expected: Server.Expected = {
      url: `${server}${given.installPath}`,
      redirectUrl: `${server}${given.callbackPath}`,
      baseUrl,
      clientId: settings.clientId
    }
    const events = `${server}${given.eventsPath}`
    const first = yield* Requests.send(expected.url)
    // A flow with a page before the install has a button, whose address is this one.
    const begun = first._tag === "Reply" && first.status === 200 && first.body.includes("Add to Slack")
      ? yield* Requests.send(`${expected.url}?begin`)
      : first
    const [secret] = settingList(settings.signingSecret ?? "")
    const word = `doctor-${crypto.randomUUID()}`
    const unsigned = Server.events(yield* Requests.sendUnsigned(events), events)
    return [
      Server.install(begun, expected),
      Server.cookie(begun, expected),
      Server.callback(yield* Requests.send(expected.redirectUrl), expected.redirectUrl),
      unsigned,
      secret === undefined || unsigned.level === "error"
        ? skipped(
          "event-signature",
          "The event address was not asked with a signature.",
          "Fix the event address first."
        )
        : Server.challenge(yield* Requests.sendChallenge(events, secret, word), events, word)
    ]
  })

/** The app's settings at Slack, if there is a configuration token; otherwise only what the command line says of them. */
const liveFindings = ({ baseUrl, given, server, settings }: Context) =>
  Effect.gen(function*() {
    const token = yield* variable("SLACK_CONFIG_TOKEN")
    const { appId } = settings
    const wanted: Wanted = {
      redirectUrl: server && `${server}${given.callbackPath}`,
      eventsUrl: server && `${server}${given.eventsPath}`,
      botScopes: given.botScopes,
      userScopes: given.userScopes,
      publicClient: settings.publicClient
    }
    if (given.offline || token === undefined || appId === undefined || baseUrl === undefined) {
      const listed = given.redirectUrls
      return [
        ...(wanted.redirectUrl !== undefined && listed.length > 0 ? [redirectUrl(wanted.redirectUrl, listed)] : []),
        skipped(
          "app-settings",
          "The app's settings at Slack were not looked at.",
          "Set SLACK_CONFIG_TOKEN and SLACK_APP_ID: redirect URLs, scopes, events, rotation and PKCE are compared then."
        )
      ]
    }
    const answer = yield* Slack.call(baseUrl, "apps.manifest.export", { app_id: appId }, {
      bearer: Redacted.make(token)
    })
    return answer._tag === "Ok"
      ? liveApp(answer.body["manifest"], wanted)
      : [
        skipped(
          "app-settings",
          `The app's settings at Slack were not readable: ${answer._tag === "Refused" ? answer.code : answer.problem}.`,
          "Make a new configuration token at https://api.slack.com/apps, in the workspace of the app."
        )
      ]
  })

/** Says what will be called, before that happens. */
const announce = ({ baseUrl, given, server }: Context) => {
  const calls = given.offline ? [] : [
    `calls ${baseUrl ?? "Slack"} with a code that nobody was given (and apps.manifest.export, with SLACK_CONFIG_TOKEN)`,
    ...(server === undefined
      ? []
      : [
        `asks ${server}${given.installPath}, ${given.callbackPath} and ${given.eventsPath}; the install that this begins expires by itself`
      ]),
    ...(Option.isSome(given.database) ? ["opens the database, and rolls back what it writes there"] : [])
  ]
  return Console.error(
    calls.length === 0
      ? "doctor reads settings and packages. Nothing is called."
      : `doctor changes nothing, and prints no secret. It\n${calls.map((call) => `  - ${call}`).join("\n")}`
  )
}

const examine = (given: Given) =>
  Effect.gen(function*() {
    const context = yield* contextOf(given)
    yield* announce(context)
    const settings = yield* settingsFindings(context)
    const project = checkProject(yield* readProject(process.cwd(), process.versions.node))
    const database = given.database
    const findings = [
      ...settings,
      ...(yield* liveFindings(context)),
      ...(given.offline ? [] : [
        ...(yield* slackFindings(context, settings)),
        ...(yield* serverFindings(context, settings)),
        ...(Option.isSome(database)
          ? yield* Database.lookAt(database.value, context.settings.keys)
          : [skipped("database", "DATABASE_URL is not set.", "Give --database to check the database.")])
      ]),
      ...project
    ]
    yield* Console.log(given.json ? Report.asJson(findings) : Report.asText(findings))
    if (Report.hasErrors(findings)) {
      return yield* new CommandFailed({
        message: "Something does not work. It is listed above.",
        exitCode: exitCodes.found
      })
    }
  })

export const doctor = Command.make("doctor", options, (given) => Effect.provide(examine(given), Http.layer)).pipe(
  Command.withDescription(
    "Read the settings that an app starts with (SLACK_CLIENT_ID, SLACK_CLIENT_SECRET, SLACK_APP_ID, " +
      "SLACK_SIGNING_SECRET, SLACK_BASE_URL, SLACK_TOKEN_KEYS, PUBLIC_URL, DATABASE_URL), look at what they name, and " +
      "say what is wrong and how to fix it. Nothing is changed, and no secret is printed. Exit codes: 0 nothing is " +
      "wrong, though there may be warnings; 1 it could not look; 3 something is wrong."
  )
)
