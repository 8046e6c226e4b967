/**
 * Which Slack app is speaking: its client id, its secrets, and which Slack it speaks to.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { parseBaseUrl } from "./internal/baseUrl.js"
import { invalid, mapOrFail } from "./internal/effect/config.js"
import { toEffect } from "./internal/effect/either.js"
import { type Mistakes, problemOf } from "./internal/settings.js"

/**
 * A Slack app, as {@link make} has checked it. All of it but `baseUrl` is on the app's Basic Information page.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The client id, such as `123456.7890`. */
  readonly clientId: string
  /** The client secret. An app without one is a public client: it proves itself by PKCE alone. */
  readonly clientSecret?: Redacted.Redacted | undefined
  /** The app id, such as `A0123ABCDEF`. */
  readonly appId?: string | undefined
  /** The signing secret, which proves that a request is from Slack. */
  readonly signingSecret?: Redacted.Redacted | undefined
  /** The origin (and path prefix, if any) of the API and of the authorize page, with no slash at the end. */
  readonly baseUrl: string
}

/**
 * The Slack app that calls are made for.
 *
 * @since 0.1.0
 * @category tags
 */
export class SlackApp extends Context.Tag("effect-slack-oauth/SlackApp")<SlackApp, Service>() {}

/**
 * What {@link make} and {@link layer} take.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly clientId: string
  /** Leave it out for a public client (PKCE without a secret). */
  readonly clientSecret?: string | Redacted.Redacted | undefined
  readonly appId?: string | undefined
  readonly signingSecret?: string | Redacted.Redacted | undefined
  /**
   * `https://slack.com` by default. GovSlack is `https://slack-gov.com`. It must be https, unless it is a loopback
   * address, where a Slack emulator may listen on plain http.
   */
  readonly baseUrl?: string | URL | undefined
}

/** How a setting is called: `clientId` in a program, `SLACK_CLIENT_ID` in the environment. */
type Naming = (setting: keyof Service) => string

const words = (setting: keyof Service, gap: string): string => setting.replace(/[A-Z]/g, (letter) => gap + letter)

const variable: Naming = (setting) => `SLACK_${words(setting, "_").toUpperCase()}`

const wrap = (secret: string | Redacted.Redacted): Redacted.Redacted =>
  Redacted.isRedacted(secret) ? secret : Redacted.make(secret)

/** What Slack cannot have issued, by setting. */
const mistakes: { readonly [setting: string]: Mistakes } = {
  clientId: [
    [/^A(?=.*\d)[A-Z\d]+$/, "is an app id"],
    [/^(xox|xapp-|[\da-f]{32}$)/, "is a secret"],
    [/^(?!\d+\.\d+$)[-+.,\d]+(e[-+]?\d+)?$/i, "is a number that a parser has changed"]
  ],
  appId: [[/^(?!A[A-Z\d]+$)/, "is not one of Slack's, such as A0123ABCDEF"]]
}

/**
 * Both halves of a client id are numbers of one rising sequence, so the second is never the shorter one. A float keeps 17
 * digits: of two halves of 12 digits it leaves `628987376727.629`.
 */
const rounded: Mistakes = [[/^\d{9,}\.\d{1,8}$/, "looks rounded by a parser"]]

const warn = ({ clientId }: Service): Effect.Effect<void> => {
  const doubt = problemOf(clientId, rounded)
  return doubt === undefined ? Effect.void : Effect.logWarning(`The client id ${clientId} ${doubt}`)
}

const check = (
  options: Options,
  name: Naming = (setting) => setting
): Either.Either<Service, ConfigError.ConfigError> => {
  const { appId, clientId, clientSecret, signingSecret } = options
  const no = (setting: keyof Service, problem: string) =>
    Either.left(invalid(name(setting), `The ${words(setting, " ").toLowerCase()} ${problem}`))

  for (const setting of ["clientId", "clientSecret", "appId", "signingSecret"] as const) {
    const value = options[setting]
    if (value === undefined && setting !== "clientId") continue
    const problem = problemOf(Redacted.isRedacted(value) ? Redacted.value(value) : value, mistakes[setting])
    if (problem !== undefined) return no(setting, problem)
  }

  const base = parseBaseUrl(String(options.baseUrl ?? "https://slack.com"))
  if (!base.ok) return no("baseUrl", `cannot be used: ${base.problem}`)

  return Either.right({
    clientId,
    ...(clientSecret && { clientSecret: wrap(clientSecret) }),
    ...(appId && { appId }),
    ...(signingSecret && { signingSecret: wrap(signingSecret) }),
    baseUrl: base.baseUrl
  })
}

/**
 * Checks an app's settings. An id that Slack cannot have issued, a secret with a quotation mark or white space in it, or
 * a base URL that is neither https nor loopback is a `ConfigError` that names the setting, says what to do, and never
 * shows a secret.
 *
 * The result is an `Either`, and so an `Effect` too.
 *
 * @example
 * ```ts
 * import { Either } from "effect"
 * import { SlackApp } from "effect-slack-oauth"
 *
 * const app = SlackApp.make({ clientId: "123456.7890", clientSecret: "not-a-real-secret" })
 *
 * console.log(Either.map(app, ({ baseUrl }) => baseUrl)) // Right("https://slack.com")
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Either.Either<Service, ConfigError.ConfigError> => check(options)

const layerOf = (
  app: Effect.Effect<Service, ConfigError.ConfigError>
): Layer.Layer<SlackApp, ConfigError.ConfigError> => Layer.effect(SlackApp, Effect.tap(app, warn))

/**
 * An app whose settings are in the program. A client id that looks as if a parser had rounded it is logged as a warning.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<SlackApp, ConfigError.ConfigError> =>
  layerOf(toEffect(make(options)))

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  Config.map(Config.option(config), Option.getOrUndefined)

// Secrets are read as strings, because `Config.redacted` also redacts the message that one is missing.
const publicSettings = {
  clientId: Config.string(variable("clientId")),
  appId: optional(Config.string(variable("appId"))),
  signingSecret: optional(Config.string(variable("signingSecret"))),
  baseUrl: optional(Config.string(variable("baseUrl")))
}

/**
 * The app's settings as a `Config`: `SLACK_CLIENT_ID` and `SLACK_CLIENT_SECRET`, and where they are set `SLACK_APP_ID`,
 * `SLACK_SIGNING_SECRET` and `SLACK_BASE_URL` (`https://slack.com` when absent). An app without a secret is a public
 * client: {@link configPublic}.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Service> = Config.all({
  ...publicSettings,
  clientSecret: Config.string(variable("clientSecret"))
}).pipe(mapOrFail((options) => check(options, variable)))

/**
 * The settings of a public client as a `Config`: those of {@link config} without a client secret. If
 * `SLACK_CLIENT_SECRET` is set, it is not read.
 *
 * @since 0.1.0
 * @category config
 */
export const configPublic: Config.Config<Service> = Config.all(publicSettings).pipe(
  mapOrFail((options) => check(options, variable))
)

/**
 * An app whose settings come from the environment, or from whatever `ConfigProvider` is in force. Without
 * `SLACK_CLIENT_SECRET` it fails: {@link layerConfigPublic} is for public clients.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<SlackApp, ConfigError.ConfigError> = layerOf(config)

/**
 * A public client whose settings come from the environment. It has no secret and proves itself by PKCE alone.
 *
 * @see https://docs.slack.dev/authentication/using-pkce
 * @since 0.1.0
 * @category layers
 */
export const layerConfigPublic: Layer.Layer<SlackApp, ConfigError.ConfigError> = layerOf(configPublic)
