/**
 * The Slack app that makes the calls: its client id, its secrets, and the address of Slack.
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
import * as Configs from "./internal/effect/config.js"
import { toEffect } from "./internal/effect/either.js"
import { conceal } from "./internal/reveal.js"
import { looksRounded, type Mistakes, problemOf } from "./internal/settings.js"

/**
 * A Slack app whose settings {@link make} has checked. All settings but `baseUrl` are on the app's Basic Information page.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The client id, such as `123456.7890`. */
  readonly clientId: string
  /** The client secret. An app without one is a public client: it authenticates by PKCE alone. */
  readonly clientSecret?: Redacted.Redacted | undefined
  /** The app id, such as `A0123ABCDEF`. */
  readonly appId?: string | undefined
  /**
   * The signing secret, which proves that a request comes from Slack (see `SlackRequest.verify`). While another one
   * replaces it, both, with a comma between them.
   */
  readonly signingSecret?: Redacted.Redacted | undefined
  /** The origin of the API and of the authorize page, with a path prefix if there is one, and no slash at the end. */
  readonly baseUrl: string
}

/**
 * The Slack app that makes the calls.
 *
 * @since 0.1.0
 * @category tags
 */
export class SlackApp extends Context.Tag("effect-slack-oauth/SlackApp")<SlackApp, Service>() {}

/**
 * What {@link make} and {@link layer} take.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly clientId: string
  /** Leave it out for a public client (PKCE without a secret). */
  readonly clientSecret?: string | Redacted.Redacted | undefined
  readonly appId?: string | undefined
  readonly signingSecret?: string | Redacted.Redacted | undefined
  /**
   * `https://slack.com` by default; `https://slack-gov.com` for GovSlack. It must be https, unless its host is a loopback
   * address: there a Slack emulator may serve plain http.
   */
  readonly baseUrl?: string | URL | undefined
}

/** The name of a setting: `clientId` in a program, `SLACK_CLIENT_ID` in the environment. */
type Naming = (setting: keyof Service) => string

const words = (setting: keyof Service, gap: string): string => setting.replace(/[A-Z]/g, (letter) => gap + letter)

const variable: Naming = (setting) => `SLACK_${words(setting, "_").toUpperCase()}`

/** Values that Slack cannot have issued, by setting. */
const mistakes: { readonly [setting: string]: Mistakes } = {
  clientId: [
    [/^A(?=.*\d)[A-Z\d]+$/, "is an app id"],
    [/^(xox|xapp-|[\da-f]{32}$)/, "is a secret"],
    [/^(?!\d+\.\d+$)[-+.,\d]+(e[-+]?\d+)?$/i, "is a number that a parser has changed"]
  ],
  appId: [[/^(?!A[A-Z\d]+$)/, "is not one of Slack's, such as A0123ABCDEF"]]
}

const warn = ({ clientId }: Service): Effect.Effect<void> =>
  looksRounded(clientId)
    ? Effect.logWarning(
      `The client id ${clientId} looks rounded by a parser. Copy it again, and quote it in YAML and JSON only`
    )
    : Effect.void

const check = (
  options: Options,
  name: Naming = (setting) => setting
): Either.Either<Service, ConfigError.ConfigError> => {
  const { appId, clientId, clientSecret, signingSecret } = options
  const refuse = (setting: keyof Service, problem: string) =>
    Either.left(Configs.invalid(name(setting), `The ${words(setting, " ").toLowerCase()} ${problem}`))

  for (const setting of ["clientId", "clientSecret", "appId", "signingSecret"] as const) {
    const value = options[setting]
    if (value === undefined && setting !== "clientId") continue
    const mayBeWrapped = setting.endsWith("Secret") && Redacted.isRedacted(value)
    const problem = problemOf(mayBeWrapped ? Redacted.value(value) : value, mistakes[setting])
    if (problem !== undefined) return refuse(setting, problem)
  }

  const base = parseBaseUrl(String(options.baseUrl ?? "https://slack.com"))
  if (!base.ok) return refuse("baseUrl", `cannot be used: ${base.problem}`)

  return Either.right({
    clientId,
    ...(clientSecret && { clientSecret: conceal(clientSecret) }),
    ...(appId && { appId }),
    ...(signingSecret && { signingSecret: conceal(signingSecret) }),
    baseUrl: base.baseUrl
  })
}

/**
 * Checks the settings of an app. An id that Slack cannot have issued, a secret that contains a quotation mark or white
 * space, or a base URL that is neither https nor loopback is a `ConfigError`. It names the setting, says what to do, and
 * contains no secret.
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
 * An app with settings that the program has. If a parser seems to have rounded the client id, it logs a warning.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<SlackApp, ConfigError.ConfigError> =>
  layerOf(toEffect(make(options)))

const optional = <A>(config: Config.Config<A>): Config.Config<A | undefined> =>
  Config.map(Config.option(config), Option.getOrUndefined)

// Secrets are read as strings, because `Config.redacted` also redacts the message for a missing one.
const publicSettings = () => ({
  clientId: Configs.string(variable("clientId")),
  appId: optional(Config.string(variable("appId"))),
  signingSecret: optional(Config.string(variable("signingSecret"))),
  baseUrl: optional(Config.string(variable("baseUrl")))
})

/**
 * The settings of an app as a `Config`: `SLACK_CLIENT_ID`, `SLACK_CLIENT_SECRET`, and optionally `SLACK_APP_ID`,
 * `SLACK_SIGNING_SECRET` and `SLACK_BASE_URL` (default `https://slack.com`). For a public client, which has no secret, use
 * {@link configPublic}.
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Service> = Configs.suspend(() =>
  Configs.all({ ...publicSettings(), clientSecret: Configs.string(variable("clientSecret")) })
).pipe(Configs.mapOrFail((options) => check(options, variable)))

/**
 * The settings of a public client as a `Config`: those of {@link config} without the client secret.
 * `SLACK_CLIENT_SECRET` is not read.
 *
 * @since 0.1.0
 * @category config
 */
export const configPublic: Config.Config<Service> = Configs.suspend(() => Configs.all(publicSettings())).pipe(
  Configs.mapOrFail((options) => check(options, variable))
)

/**
 * An app with settings from the environment, or from another `ConfigProvider`. It fails without `SLACK_CLIENT_SECRET`: use
 * {@link layerConfigPublic} for a public client.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<SlackApp, ConfigError.ConfigError> = layerOf(config)

/**
 * A public client with settings from the environment. It has no secret, and authenticates by PKCE alone.
 *
 * @see https://docs.slack.dev/authentication/using-pkce
 * @since 0.1.0
 * @category layers
 */
export const layerConfigPublic: Layer.Layer<SlackApp, ConfigError.ConfigError> = layerOf(configPublic)
