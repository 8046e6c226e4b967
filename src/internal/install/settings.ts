/**
 * The settings of a flow: its options, checked, with the defaults.
 */
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import type * as Schedule from "effect/Schedule"
import * as AuthorizeUrl from "../../AuthorizeUrl.js"
import type * as InstallFlow from "../../InstallFlow.js"
import type * as OAuthV2Error from "../../OAuthV2Error.js"
import * as RetryPolicy from "../../RetryPolicy.js"
import type * as SlackApp from "../../SlackApp.js"
import { checkDuration, refuse } from "../options.js"
import { parseUrl } from "../parseUrl.js"
import { canonicalPath, parsePath, parsePublicUrl, standardPaths } from "../publicUrl.js"
import * as Scopes from "./scopes.js"

export interface Settings {
  readonly app: SlackApp.Service
  /** The app of the options. Without it, a call for tokens is made for the app of `OAuthV2`. */
  readonly ownApp: SlackApp.Service | undefined
  readonly publicUrl: {
    readonly origin: string
    /** The path, empty or like `/app`. */
    readonly prefix: string
    readonly secure: boolean
  }
  readonly installPath: `/${string}`
  readonly callbackPath: `/${string}`
  readonly installUrl: string
  readonly redirectUri: string
  /** What a path of this server serves, if anything. */
  readonly stepAt: (pathname: string) => "begin" | "callback" | undefined
  readonly scopes: InstallFlow.Scopes
  readonly pkce: boolean
  readonly lifetime: Duration.Duration
  readonly duplicateWindow: Duration.Duration
  readonly withoutState: "bounce" | "reject"
  readonly landing: boolean
  readonly retryPolicy: Schedule.Schedule<unknown, OAuthV2Error.OAuthV2Error>
  /** How long a browser waits for an answer. */
  readonly answerLimit: Duration.Duration
  /** The origins that a success may lead to. */
  readonly safeOrigins: ReadonlySet<string>
}

const checkPublicUrl = (input: string | URL) => {
  const publicUrl = parsePublicUrl(String(input))
  return publicUrl.ok
    ? Either.right(publicUrl)
    : refuse("publicUrl", `The public URL cannot be used: ${publicUrl.problem}`)
}

const checkPath = (
  name: "installPath" | "callbackPath",
  input: string
): Either.Either<`/${string}`, ConfigError.ConfigError> => {
  const parsed = parsePath(input)
  return parsed.ok
    ? Either.right(parsed.path)
    : refuse(name, `The path ${input} cannot be served: ${parsed.problem}`)
}

/** An origin as browsers write it. */
const checkOrigin = (input: string): Either.Either<string, ConfigError.ConfigError> => {
  const url = parseUrl(input)
  return url !== undefined && url.origin !== "null" && url.href === `${url.origin}/`
    ? Either.right(url.origin)
    : refuse("allowedOrigins", `${input} is not an origin; write it like https://example.com`)
}

/** Slack has two origins: one for its site, and one for its application in the browser. */
const slackOrigins = (baseUrl: string): ReadonlyArray<string> => {
  const { hostname, origin } = new URL(baseUrl)
  return hostname === "slack.com" || hostname === "slack-gov.com" ? [origin, `https://app.${hostname}`] : [origin]
}

/** Checks the options of a flow, and that it can ask Slack for its scopes. */
export const make = <M, R1, R2>(
  options: InstallFlow.Options<M, R1, R2> & { readonly begin?: unknown },
  app: SlackApp.Service
): Either.Either<Settings, ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError> =>
  Either.gen(function*() {
    const publicUrl = yield* checkPublicUrl(options.publicUrl)
    const installPath = yield* checkPath("installPath", options.installPath ?? standardPaths.install)
    const callbackPath = yield* checkPath("callbackPath", options.callbackPath ?? standardPaths.callback)
    const redirectUri = `${publicUrl.base}${callbackPath}`

    // With the path of the public URL and without it, since a proxy may remove that path.
    const placesOf = (path: string) => [canonicalPath(path), canonicalPath(`${publicUrl.prefix}${path}`)]
    const places = { begin: placesOf(installPath), callback: placesOf(callbackPath) }
    if (places.begin.some((place) => places.callback.includes(place))) {
      return yield* refuse("callbackPath", `${callbackPath} is also the path of the install: choose another path`)
    }

    const scopes = { bot: AuthorizeUrl.scopes(options.botScopes), user: AuthorizeUrl.scopes(options.userScopes) }
    // A mistake that every install would run into stops the start. `begin` may bring the scopes of a flow without any.
    if (options.begin === undefined || !Scopes.isEmpty(scopes)) {
      yield* AuthorizeUrl.forApp(app, { botScopes: scopes.bot, userScopes: scopes.user, redirectUri })
    }

    const retryPolicy = options.retryPolicy ?? RetryPolicy.interactive
    const { budget = RetryPolicy.interactive.budget } = retryPolicy as Partial<RetryPolicy.Policy>
    const allowedOrigins = yield* Either.all([options.allowedOrigins ?? []].flat().map(checkOrigin))

    return {
      app,
      ownApp: options.app,
      publicUrl,
      installPath,
      callbackPath,
      installUrl: `${publicUrl.base}${installPath}`,
      redirectUri,
      stepAt: (pathname) => {
        const place = canonicalPath(pathname)
        if (place === undefined) return undefined
        return places.begin.includes(place) ? "begin" : places.callback.includes(place) ? "callback" : undefined
      },
      scopes,
      pkce: options.pkce ?? app.clientSecret === undefined,
      lifetime: yield* checkDuration("lifetime", options.lifetime ?? "10 minutes"),
      duplicateWindow: yield* checkDuration("duplicateWindow", options.duplicateWindow ?? "5 minutes", { zero: true }),
      withoutState: options.withoutState ?? "bounce",
      landing: options.landing === true,
      retryPolicy,
      answerLimit: Duration.sum(budget, Duration.seconds(20)),
      safeOrigins: new Set([publicUrl.origin, ...slackOrigins(app.baseUrl), ...allowedOrigins])
    }
  })
