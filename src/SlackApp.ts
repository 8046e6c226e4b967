/**
 * Which Slack app is speaking: its client id, its secret, and which Slack it speaks to.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { parseBaseUrl } from "./internal/baseUrl.js"

/**
 * A Slack app, as {@link make} has checked it.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The client id of the app's Basic Information page, such as `123456.7890`. */
  readonly clientId: string
  /** The client secret. An app without one is a public client: it proves itself by PKCE alone. */
  readonly clientSecret?: Redacted.Redacted | undefined
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
  /**
   * `https://slack.com` by default. GovSlack is `https://slack-gov.com`. It must be https, unless it is a loopback
   * address, where a Slack emulator may listen on plain http.
   */
  readonly baseUrl?: string | URL | undefined
}

interface Names {
  readonly clientId: string
  readonly clientSecret: string
  readonly baseUrl: string
}

const check = (options: Options, names: Names): Either.Either<Service, ConfigError.ConfigError> => {
  const no = (name: string, problem: string) => Either.left(ConfigError.InvalidData([name], problem))

  if (options.clientId.trim() === "") return no(names.clientId, "The client id is empty")
  if (/\s/.test(options.clientId)) return no(names.clientId, "The client id has white space in it")

  const clientSecret = options.clientSecret === undefined || Redacted.isRedacted(options.clientSecret)
    ? options.clientSecret
    : Redacted.make(options.clientSecret)
  if (clientSecret !== undefined) {
    const value = Redacted.value(clientSecret)
    if (value === "") return no(names.clientSecret, "The client secret is empty; leave it out for a public client")
    if (/\s/.test(value)) return no(names.clientSecret, "The client secret has white space in it")
  }

  const base = parseBaseUrl(String(options.baseUrl ?? "https://slack.com"))
  if (!base.ok) return no(names.baseUrl, `The base URL cannot be used: ${base.problem}`)

  return Either.right({
    clientId: options.clientId,
    ...(clientSecret === undefined ? undefined : { clientSecret }),
    baseUrl: base.baseUrl
  })
}

/**
 * Checks an app's settings. An empty id, an empty secret, or a base URL that is neither https nor loopback is a
 * `ConfigError` that names the setting and never shows the secret.
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
export const make = (options: Options): Either.Either<Service, ConfigError.ConfigError> =>
  check(options, { clientId: "clientId", clientSecret: "clientSecret", baseUrl: "baseUrl" })

/**
 * An app whose settings are in the program.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options: Options): Layer.Layer<SlackApp, ConfigError.ConfigError> =>
  Layer.effect(SlackApp, make(options))

/**
 * The app's settings as a `Config`: `SLACK_CLIENT_ID`, `SLACK_CLIENT_SECRET` (absent for a public client) and
 * `SLACK_BASE_URL` (`https://slack.com` when absent).
 *
 * @since 0.1.0
 * @category config
 */
export const config: Config.Config<Service> = Config.all({
  clientId: Config.string("SLACK_CLIENT_ID"),
  clientSecret: Config.option(Config.redacted("SLACK_CLIENT_SECRET")),
  baseUrl: Config.option(Config.string("SLACK_BASE_URL"))
}).pipe(
  Config.mapOrFail(({ baseUrl, clientId, clientSecret }) =>
    check(
      { clientId, clientSecret: Option.getOrUndefined(clientSecret), baseUrl: Option.getOrUndefined(baseUrl) },
      { clientId: "SLACK_CLIENT_ID", clientSecret: "SLACK_CLIENT_SECRET", baseUrl: "SLACK_BASE_URL" }
    )
  )
)

/**
 * An app whose settings come from the environment, or from whatever `ConfigProvider` is in force.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerConfig: Layer.Layer<SlackApp, ConfigError.ConfigError> = Layer.effect(SlackApp, config)
