/**
 * The address of Slack's consent page, where a person allows the scopes that an app asks for.
 *
 * @see https://docs.slack.dev/authentication/installing-with-oauth
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { commaList } from "./internal/commaList.js"
import * as SlackApp from "./SlackApp.js"

/**
 * The parameters of the consent page.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** What the app may do as itself, such as `chat:write`. */
  readonly botScopes?: ReadonlyArray<string> | undefined
  /** What the app may do on behalf of the person who installs it. */
  readonly userScopes?: ReadonlyArray<string> | undefined
  /**
   * Where Slack sends the browser afterwards: absolute, without a fragment, and listed in the app's settings or below an
   * address that is listed. The token request must have the same. Without it Slack uses the first of the app's list.
   */
  readonly redirectUri?: string | undefined
  /** Slack returns it with the code. It proves which browser began the install, so nobody must be able to guess it. */
  readonly state?: string | undefined
  /** The workspace (`T…`) that Slack offers first. It has an effect only if the person is signed in there. */
  readonly team?: string | undefined
  /** The PKCE challenge (`Pkce.make`), by `S256`. */
  readonly codeChallenge?: string | undefined
}

/**
 * There are no scopes, neither for the bot nor for the user. Slack would show an error page to the person.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthorizeUrlNoScopes extends Schema.TaggedError<AuthorizeUrlNoScopes>()("AuthorizeUrlNoScopes", {}) {
  override get message(): string {
    return "An install needs at least one scope: give botScopes, userScopes, or both."
  }
}

/**
 * The redirect URI cannot be one (RFC 6749 §3.1.2): it is not absolute, or it has a fragment.
 *
 * @since 0.1.0
 * @category errors
 */
export class AuthorizeUrlInvalidRedirectUri
  extends Schema.TaggedError<AuthorizeUrlInvalidRedirectUri>()("AuthorizeUrlInvalidRedirectUri", {
    problem: Schema.String
  })
{
  override get message(): string {
    return `The redirect URI cannot be used: ${this.problem}. Write it as in the app's settings at Slack.`
  }
}

/**
 * Why a URL cannot be made.
 *
 * @since 0.1.0
 * @category errors
 */
export type AuthorizeUrlError = AuthorizeUrlNoScopes | AuthorizeUrlInvalidRedirectUri

/**
 * Scopes as a list without duplicates. An entry may contain several scopes, separated by commas or spaces.
 *
 * @since 0.1.0
 * @category utils
 */
export const scopes = (entries: ReadonlyArray<string> = []): ReadonlyArray<string> =>
  Array.from(new Set(entries.flatMap(commaList)))

const redirectUriProblem = (redirectUri: string): string | undefined => {
  if (!URL.canParse(redirectUri)) return "it is not an absolute URL"
  if (redirectUri.includes("#")) return "it has a fragment"
  // `URL` drops these silently, so the two steps of the flow would have different URIs.
  return /[^\x21-\x7e]/.test(redirectUri) ? "it has characters that need to be percent-encoded" : undefined
}

/**
 * The consent page's URL for an app. Every parameter is encoded, so a state or a redirect URI may contain `&` or `#`.
 *
 * @since 0.1.0
 * @category constructors
 */
export const forApp = (app: SlackApp.Service, options: Options): Either.Either<string, AuthorizeUrlError> => {
  const botScopes = scopes(options.botScopes)
  const userScopes = scopes(options.userScopes)
  if (botScopes.length === 0 && userScopes.length === 0) return Either.left(new AuthorizeUrlNoScopes())
  if (options.redirectUri !== undefined) {
    const problem = redirectUriProblem(options.redirectUri)
    if (problem !== undefined) return Either.left(new AuthorizeUrlInvalidRedirectUri({ problem }))
  }

  const parameters: ReadonlyArray<readonly [string, string | undefined]> = [
    ["client_id", app.clientId],
    ["scope", botScopes.join(",")],
    ["user_scope", userScopes.join(",")],
    ["redirect_uri", options.redirectUri],
    ["state", options.state],
    ["team", options.team],
    ["code_challenge", options.codeChallenge],
    ["code_challenge_method", options.codeChallenge === undefined ? undefined : "S256"]
  ]
  const query = new URLSearchParams()
  for (const [name, value] of parameters) {
    if (value !== undefined && value !== "") query.append(name, value)
  }
  return Either.right(`${app.baseUrl}/oauth/v2/authorize?${query}`)
}

/**
 * The consent page's URL for the app in the context.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { AuthorizeUrl, SlackApp } from "effect-slack-oauth"
 *
 * const program = AuthorizeUrl.make({
 *   botScopes: ["chat:write", "commands"],
 *   redirectUri: "https://example.com/slack/callback",
 *   state: "from-a-random-source"
 * }).pipe(Effect.provide(SlackApp.layer({ clientId: "123456.7890" })))
 *
 * Effect.runPromise(program).then(console.log)
 * // https://slack.com/oauth/v2/authorize?client_id=123456.7890&scope=chat%3Awrite%2Ccommands&redirect_uri=…
 * ```
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options): Effect.Effect<string, AuthorizeUrlError, SlackApp.SlackApp> =>
  Effect.flatMap(SlackApp.SlackApp, (app) => forApp(app, options))
