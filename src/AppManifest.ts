/**
 * The settings of an app at Slack, as a manifest: made from the options that the app itself uses, and compared with those
 * of a live app.
 *
 * @see https://docs.slack.dev/reference/app-manifest
 * @since 0.1.0
 */
import type * as ConfigError from "effect/ConfigError"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import * as AuthorizeUrl from "./AuthorizeUrl.js"
import * as Compare from "./internal/manifest/compare.js"
import * as Format from "./internal/manifest/format.js"
import { refuse } from "./internal/options.js"
import { canonicalPath, parsePath, parsePublicUrl, type PublicUrl, standardPaths } from "./internal/publicUrl.js"
import { isForSignIn, isScope } from "./internal/scopeForm.js"

// -------------------------------------------------------------------------------------
// the format
// -------------------------------------------------------------------------------------

/**
 * A manifest, as far as this package and most apps use it. The limits are those of the JSON schema that Slack publishes
 * (`slackapi/manifest-schema`, version 2).
 *
 * @since 0.1.0
 * @category models
 */
export const Manifest = Format.Manifest

/**
 * A manifest, as far as this package and most apps use it.
 *
 * @since 0.1.0
 * @category models
 */
export type Manifest = Format.Manifest

/**
 * Slack would not take the manifest. Each problem begins with the path of a field.
 *
 * @since 0.1.0
 * @category errors
 */
export class AppManifestInvalid extends Schema.TaggedError<AppManifestInvalid>()("AppManifestInvalid", {
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `Slack would not take this manifest. ${this.problems.join(" ")}`
  }
}

/**
 * Checks a manifest from elsewhere. A field that is not in Slack's format is a problem too, because Slack refuses it.
 *
 * @since 0.1.0
 * @category decoding
 */
export const decode = (value: unknown): Either.Either<Manifest, AppManifestInvalid> =>
  Either.mapLeft(Format.decode(value), (problems) => new AppManifestInvalid({ problems }))

// -------------------------------------------------------------------------------------
// from options
// -------------------------------------------------------------------------------------

/**
 * What an app is, and where it runs. The names are those of `InstallFlow` and `SlackOAuth`, so one object can serve all.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The name of the app; at most 35 characters. */
  readonly name: string
  /** One sentence; at most 140 characters. */
  readonly description?: string | undefined
  /** The name of the bot user, if the app asks for bot scopes; the name of the app by default. */
  readonly botName?: string | undefined
  /** Where browsers and Slack reach the server. Slack takes https only. */
  readonly publicUrl: string | URL
  /** Where Slack sends people back; `/slack/oauth_redirect` by default. */
  readonly callbackPath?: `/${string}` | undefined
  /** Where Slack sends events; `/slack/events` by default. */
  readonly eventsPath?: `/${string}` | undefined
  readonly botScopes?: ReadonlyArray<string> | undefined
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** Which of `botScopes` and `userScopes` a person may refuse. */
  readonly optionalScopes?: ReadonlyArray<string> | undefined
  /** Events for the bot, besides `app_uninstalled` and `tokens_revoked`, which every app needs. */
  readonly botEvents?: ReadonlyArray<string> | undefined
  /** Events on behalf of the people who installed the app. */
  readonly userEvents?: ReadonlyArray<string> | undefined
  /** Whether tokens rotate. It cannot be switched off again. */
  readonly rotation?: boolean | undefined
  /** Whether the app is a public client (PKCE). Only Slack's support can undo it. */
  readonly pkce?: boolean | undefined
  /** Whether an organization can install the app for all of its workspaces. */
  readonly organizations?: boolean | undefined
}

type Checked<A> = Either.Either<A, ConfigError.ConfigError>

/** An app that stores tokens needs both events. Without them, dead tokens stay in its store. */
const lifecycleEvents = ["app_uninstalled", "tokens_revoked"]

const scopesProblem = (scopes: ReadonlyArray<string>): string | undefined => {
  const strange = scopes.find((scope) => !isScope(scope))
  if (strange !== undefined) return `has an entry that is not a scope: ${strange}`
  return scopes.some(isForSignIn) && !scopes.every(isForSignIn)
    ? "mixes scopes of Sign in with Slack (openid, email, profile, identity.*) with others, which Slack refuses"
    : undefined
}

const unique = (items: ReadonlyArray<string>): ReadonlyArray<string> => Array.from(new Set(items))

interface Addresses {
  readonly redirectUrl: string
  /** `undefined` on this machine, because Slack cannot send events to it. */
  readonly eventsUrl: string | undefined
}

const pathOf = (name: "callbackPath" | "eventsPath", given: string | undefined, standard: string): Checked<string> => {
  const path = parsePath(given ?? standard)
  return path.ok ? Either.right(path.path) : refuse(name, `${name} cannot be used: ${path.problem}`)
}

const publicUrlOf = ({ pkce, publicUrl }: Options): Checked<Extract<PublicUrl, { readonly ok: true }>> => {
  const url = parsePublicUrl(String(publicUrl))
  if (!url.ok) return refuse("publicUrl", `publicUrl cannot be used: ${url.problem}`)
  return url.secure || pkce === true
    ? Either.right(url)
    : refuse("publicUrl", "publicUrl cannot be used: Slack takes https only. Use the https address of a tunnel")
}

const addressesOf = (options: Options): Checked<Addresses> =>
  Either.gen(function*() {
    const { base, secure } = yield* publicUrlOf(options)
    const callback = yield* pathOf("callbackPath", options.callbackPath, standardPaths.callback)
    const events = yield* pathOf("eventsPath", options.eventsPath, standardPaths.events)
    if (canonicalPath(callback) === canonicalPath(events)) {
      return yield* refuse("eventsPath", `eventsPath cannot be used: ${events} is also the path of the callback`)
    }
    const [name] = secure ? [] : (["botEvents", "userEvents"] as const).filter((name) => options[name]?.length)
    if (name !== undefined) {
      return yield* refuse(
        name,
        `${name} cannot arrive: Slack sends no events to this machine. Leave it out, or use https`
      )
    }
    return { redirectUrl: `${base}${callback}`, eventsUrl: secure ? `${base}${events}` : undefined }
  })

interface Scopes {
  readonly bot: ReadonlyArray<string>
  readonly user: ReadonlyArray<string>
  readonly optional: ReadonlyArray<string>
}

const scopesOf = (options: Options, hasHttps: boolean): Checked<Scopes> => {
  const bot = AuthorizeUrl.scopes(options.botScopes)
  const user = AuthorizeUrl.scopes(options.userScopes)
  const optional = AuthorizeUrl.scopes(options.optionalScopes)
  const botProblem = scopesProblem(bot) ?? (bot.some(isForSignIn) ? "has scopes that only people can give" : undefined)
  if (botProblem !== undefined) return refuse("botScopes", `botScopes ${botProblem}`)
  const userProblem = scopesProblem(user)
  if (userProblem !== undefined) return refuse("userScopes", `userScopes ${userProblem}`)
  if (bot.length + user.length === 0) {
    return refuse("botScopes", "An install needs at least one scope: give botScopes, userScopes, or both")
  }
  if (bot.length > 0 && !hasHttps) {
    return refuse("botScopes", "Slack gives no bot scopes to a redirect URL on this machine. Use userScopes, or https")
  }
  const unknown = optional.find((scope) => !bot.includes(scope) && !user.includes(scope))
  if (unknown !== undefined) {
    return refuse("optionalScopes", `optionalScopes has ${unknown}, which is in neither botScopes nor userScopes`)
  }
  if ([...bot, ...user].every((scope) => optional.includes(scope))) {
    return refuse("optionalScopes", "optionalScopes has every scope. An install needs one that cannot be refused")
  }
  return Either.right({ bot, user, optional })
}

/** A field if its list has entries. Slack refuses empty lists in some places. */
const ifAny = <K extends string>(name: K, items: ReadonlyArray<string>) =>
  (items.length === 0 ? {} : { [name]: items }) as { readonly [_ in K]?: ReadonlyArray<string> }

const build = (options: Options, { eventsUrl, redirectUrl }: Addresses, scopes: Scopes): Manifest => {
  const isOptional = (scope: string) => scopes.optional.includes(scope)
  const isRequired = (scope: string) => !isOptional(scope)
  return {
    display_information: {
      name: options.name,
      ...(options.description && { description: options.description })
    },
    ...(scopes.bot.length > 0 && {
      features: { bot_user: { display_name: options.botName ?? options.name, always_online: false } }
    }),
    oauth_config: {
      redirect_urls: [redirectUrl],
      scopes: {
        ...ifAny("bot", scopes.bot.filter(isRequired)),
        ...ifAny("user", scopes.user.filter(isRequired)),
        ...ifAny("bot_optional", scopes.bot.filter(isOptional)),
        ...ifAny("user_optional", scopes.user.filter(isOptional))
      },
      ...(options.pkce === true && { pkce_enabled: true })
    },
    settings: {
      ...(eventsUrl && {
        event_subscriptions: {
          request_url: eventsUrl,
          bot_events: unique([...lifecycleEvents, ...options.botEvents ?? []]),
          ...ifAny("user_events", unique(options.userEvents ?? []))
        }
      }),
      org_deploy_enabled: options.organizations === true,
      socket_mode_enabled: false,
      token_rotation_enabled: options.rotation === true
    }
  }
}

/**
 * The manifest of an app. Paste it at `https://api.slack.com/apps`, or open {@link createUrl}.
 *
 * Fails with a `ConfigError` that names the option, if an option cannot be used, and with {@link AppManifestInvalid} if
 * something is longer than Slack allows.
 *
 * @example
 * ```ts
 * import { Either } from "effect"
 * import { AppManifest } from "effect-slack-oauth"
 *
 * const manifest = AppManifest.make({
 *   name: "My App",
 *   publicUrl: "https://example.com",
 *   botScopes: ["chat:write"],
 *   botEvents: ["app_mention"]
 * })
 *
 * console.log(JSON.stringify(Either.getOrThrow(manifest), null, 2))
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Either.Either<Manifest, ConfigError.ConfigError | AppManifestInvalid> =>
  Either.flatMap(addressesOf(options), (addresses) =>
    Either.flatMap(
      scopesOf(options, addresses.eventsUrl !== undefined),
      (scopes): Either.Either<Manifest, ConfigError.ConfigError | AppManifestInvalid> =>
        decode(build(options, addresses, scopes))
    ))

/**
 * Slack's page that makes an app from a manifest, with the manifest filled in. `baseUrl` is that of the `SlackApp`.
 *
 * @since 0.1.0
 * @category utils
 */
export const createUrl = (manifest: Manifest, baseUrl = "https://slack.com"): string =>
  `${baseUrl.replace("://", "://api.")}/apps?${new URLSearchParams({
    new_app: "1",
    manifest_json: JSON.stringify(manifest)
  })}`

// -------------------------------------------------------------------------------------
// a live app
// -------------------------------------------------------------------------------------

/**
 * One difference between a manifest and the settings of a live app.
 *
 * @since 0.1.0
 * @category models
 */
export type Difference = Compare.Difference

/**
 * The differences between a manifest and a live app. `live` is the `manifest` of Slack's answer to `apps.manifest.export`.
 * The order of a list does not matter. A setting that the manifest does not have is not compared; scopes, events and PKCE
 * always are. `isOneWay` says whether Slack cannot undo a switch.
 *
 * @since 0.1.0
 * @category utils
 */
export const diff = (manifest: Manifest, live: unknown): ReadonlyArray<Difference> => Compare.diff(manifest, live)
