/**
 * From "Add to Slack" to tokens, in the browser: `begin` sends a person to Slack's consent page, `callback` takes them
 * back, turns the code into tokens, and hands these to the application.
 *
 * A flow is a function from web `Request` to web `Response`. `InstallRouter` serves it on the routers of
 * `@effect/platform`, and {@link toWebHandler} everywhere else. `docs/security.md` lists what each check stops.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as AuthorizeUrl from "./AuthorizeUrl.js"
import type * as InstallError from "./InstallError.js"
import { type Html, html } from "./internal/html.js"
import * as Flow from "./internal/install/flow.js"
import * as WebHandler from "./internal/webHandler.js"
import type * as OAuthV2 from "./OAuthV2.js"
import type * as OAuthV2Error from "./OAuthV2Error.js"
import type * as PendingInstall from "./PendingInstall.js"
import type * as RetryPolicy from "./RetryPolicy.js"
import type * as SlackApp from "./SlackApp.js"
import type * as TokenResponse from "./TokenResponse.js"

// -------------------------------------------------------------------------------------
// what the application gets
// -------------------------------------------------------------------------------------

/**
 * Scopes of both kinds.
 *
 * @since 0.1.0
 * @category models
 */
export interface Scopes {
  readonly bot: ReadonlyArray<string>
  readonly user: ReadonlyArray<string>
}

/**
 * Scope drift: what was asked for, and what came of it.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScopeReport {
  readonly requested: Scopes
  readonly granted: Scopes
  /** What was asked for and not granted. */
  readonly missing: Scopes
  /** Where to send the person to be asked for the rest, if there is a rest: an address of this flow. */
  readonly restUrl: Option.Option<string>
}

/**
 * A finished install.
 *
 * @since 0.1.0
 * @category models
 */
export interface Installed<M> {
  readonly response: TokenResponse.TokenResponse
  /** When the request for the tokens left: the time of the installation. */
  readonly requestedAt: DateTime.Utc
  /** What `begin` gave. */
  readonly metadata: M
  readonly scopes: ScopeReport
}

/**
 * An install that has failed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Failed<M> {
  readonly error: InstallError.InstallError
  /** What Slack gave, if it was `onInstalled` that failed. It is kept for the duplicate window, and no longer. */
  readonly installed: Option.Option<Installed<M>>
  /** What the application's own effect failed with, if it was that. */
  readonly cause: Option.Option<Cause.Cause<unknown>>
}

// -------------------------------------------------------------------------------------
// what the application says
// -------------------------------------------------------------------------------------

/**
 * What may differ from one install to the next.
 *
 * @since 0.1.0
 * @category options
 */
export interface BeginOptions {
  /** Instead of the flow's. */
  readonly botScopes?: ReadonlyArray<string> | undefined
  /** Instead of the flow's. */
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** The workspace (`T…`) to offer. */
  readonly team?: string | undefined
}

/**
 * What may differ from one install to the next, and what belongs to it.
 *
 * @since 0.1.0
 * @category options
 */
export interface BeginWithMetadata<M> extends BeginOptions {
  /** It comes back in `onInstalled`. The browser never sees it. */
  readonly metadata: M
}

export type {
  /**
   * A piece of HTML that escapes by type: what is put into an {@link html} template is text, unless it is HTML already.
   *
   * @since 0.1.0
   * @category pages
   */
  Html
}

export {
  /**
   * A template of HTML: everything in it is escaped, except what is {@link Html} already. Attributes have to be quoted.
   *
   * @example
   * ```ts
   * import { InstallFlow } from "effect-slack-oauth"
   *
   * const name = "<script>"
   *
   * console.log(String(InstallFlow.html`<p>Hello ${name}</p>`)) // <p>Hello &lt;script&gt;</p>
   * ```
   *
   * @since 0.1.0
   * @category pages
   */
  html
}

/**
 * A page: HTML, which is sent with the flow's security headers, or a whole response, which keeps its own
 * `Content-Security-Policy`.
 *
 * @since 0.1.0
 * @category pages
 */
export type Page = Html | Response

/**
 * The pages of a flow, each of which can be replaced.
 *
 * @since 0.1.0
 * @category pages
 */
export interface Pages<M> {
  /** Before the install, with `landing`. `beginUrl` goes into the link that begins it. */
  readonly landing?: ((view: { readonly beginUrl: string }) => Page) | undefined
  /** After it, with `success: "page"`. `slackUrl` opens the app in Slack. */
  readonly installed?: ((view: { readonly installed: Installed<M>; readonly slackUrl: string }) => Page) | undefined
  /** When it failed. The status is that of the error. An empty `href` loads the page again. */
  readonly failed?:
    | ((view: { readonly error: InstallError.InstallError; readonly installUrl: string }) => Page)
    | undefined
}

/**
 * Where a person goes after an install: into the app in Slack, to a page of this flow, to a path below the public URL, to
 * an address of the application, or to a page that is made on the spot.
 *
 * @since 0.1.0
 * @category options
 */
export type Success = "slack" | "page" | `/${string}` | URL | Page

/**
 * What every flow is made of.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<M, R1 = never, R2 = never> {
  /**
   * Where browsers reach this server: an origin, with a path before everything if the server lives under one. It is
   * never taken from a request, since anybody can send any `Host`. https, or http on a loopback address.
   */
  readonly publicUrl: string | URL
  /** Where an install begins; `/slack/install` by default. */
  readonly installPath?: `/${string}` | undefined
  /**
   * Where Slack sends people back; `/slack/oauth_redirect` by default. With `publicUrl` it is the redirect URI, which
   * Slack compares letter by letter with those of the app's settings: a slash at the end has to be in both, or in none.
   * A request is found with and without it.
   */
  readonly callbackPath?: `/${string}` | undefined
  readonly botScopes?: ReadonlyArray<string> | undefined
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** The app, where a process serves several; otherwise the one in the context. */
  readonly app?: SlackApp.Service | undefined
  /**
   * By default PKCE is used for an app without a secret, which needs it. Slack takes it only from apps that opted in,
   * and then takes one proof: with PKCE the token request has the verifier and no secret, also if the app has one.
   */
  readonly pkce?: boolean | undefined
  /** How long an install may take from `begin` to `callback`; 10 minutes by default. */
  readonly lifetime?: Duration.DurationInput | undefined
  /**
   * How long the outcome of a callback is remembered in this process, so that a reload shows it again, or repeats what
   * failed on this side; 5 minutes by default.
   */
  readonly duplicateWindow?: Duration.DurationInput | undefined
  /**
   * What happens to a callback without a state, which is what an install that was started on Slack's own pages looks
   * like. `bounce`, the default: its code is dropped and the person is sent through authorize once, with a state.
   * `reject`: a page says to start here. It is never accepted as it is.
   */
  readonly withoutState?: "bounce" | "reject" | undefined
  /** Whether `begin` shows a page with an "Add to Slack" button first, instead of going to Slack at once. */
  readonly landing?: boolean | undefined
  /** Where a person goes after the install; `slack` by default. A path is one below `publicUrl`, its path included. */
  readonly success?: Success | ((installed: Installed<M>) => Success) | undefined
  /** Other origins that `success` may lead to, besides this server's and Slack's. */
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
  readonly pages?: Pages<M> | undefined
  /**
   * When the call for the tokens is repeated, while the browser waits; `RetryPolicy.interactive` by default, whatever
   * policy the rest of the program has.
   */
  readonly retryPolicy?: Schedule.Schedule<unknown, OAuthV2Error.OAuthV2Error> | RetryPolicy.Policy | undefined
  /**
   * What the application does with the tokens: store them. If it fails, or takes longer than five minutes, the person
   * sees a page with status 500, and loading that again within the duplicate window runs it again with the same tokens.
   * So it has to bear being run twice for one install.
   *
   * This effect and the two others (`begin`, `onFailed`) run with the services of the layer, under the span and the log
   * annotations of the request, and in a scope that closes after them. Nothing else of the request reaches them, such
   * as a database transaction that it runs in.
   */
  readonly onInstalled: (installed: Installed<M>) => Effect.Effect<unknown, unknown, R1>
  /** Hears of every install that failed; with the tokens, if Slack has given them and `onInstalled` has not ended. */
  readonly onFailed?: ((failed: Failed<M>) => Effect.Effect<unknown, never, R2>) | undefined
}

/**
 * For a flow without metadata.
 *
 * @since 0.1.0
 * @category options
 */
export interface WithoutMetadata<M = void, R1 = never, R2 = never, R3 = never> extends Options<NoInfer<M>, R1, R2> {
  readonly metadata?: undefined
  /** Runs when an install begins. A `Response`, such as a redirect to a login, is sent instead of beginning. */
  readonly begin?: ((request: Request) => Effect.Effect<BeginOptions | Response, unknown, R3>) | undefined
}

/**
 * For a flow whose installs carry something: who is signed in, which plan was chosen.
 *
 * @since 0.1.0
 * @category options
 */
export interface WithMetadata<M, I, R1 = never, R2 = never, R3 = never> extends Options<NoInfer<M>, R1, R2> {
  readonly metadata: Schema.Schema<M, I>
  /** Runs when an install begins. A `Response`, such as a redirect to a login, is sent instead of beginning. */
  readonly begin: (request: Request) => Effect.Effect<BeginWithMetadata<M> | Response, unknown, R3>
}

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * An install flow. Its functions answer every request, the hostile ones too, and fail for none.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly installPath: `/${string}`
  readonly callbackPath: `/${string}`
  /** Where browsers begin an install. */
  readonly installUrl: string
  /** What has to stand among the app's redirect URLs at Slack. */
  readonly redirectUri: string
  /** Sends a person to Slack. */
  readonly begin: (request: Request) => Effect.Effect<Response>
  /** Takes a person back from Slack. */
  readonly callback: (request: Request) => Effect.Effect<Response>
  /** `begin` or `callback`, by the path; 404 for any other. */
  readonly handle: (request: Request) => Effect.Effect<Response>
}

/**
 * The install flow of an app.
 *
 * @since 0.1.0
 * @category tags
 */
export class InstallFlow extends Context.Tag("effect-slack-oauth/InstallFlow")<InstallFlow, Service>() {}

// -------------------------------------------------------------------------------------
// constructors and layers
// -------------------------------------------------------------------------------------

/**
 * Makes a flow.
 *
 * What is wrong with the settings (a public URL that is neither https nor loopback, no scopes) is an error here, so
 * that a server with a broken install does not start.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <M = void, I = never, R1 = never, R2 = never, R3 = never>(
  options: WithMetadata<M, I, R1, R2, R3> | WithoutMetadata<M, R1, R2, R3>
): Effect.Effect<
  Service,
  ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
  OAuthV2.OAuthV2 | SlackApp.SlackApp | PendingInstall.PendingInstallStore | Scope.Scope | R1 | R2 | R3
> => Flow.make(options)

/**
 * The flow of an app, over `OAuthV2`, a store of pending installs, and whatever the application's own effects need.
 *
 * @example
 * ```ts
 * import { FetchHttpClient } from "@effect/platform"
 * import { Effect, Layer } from "effect"
 * import { InstallFlow, OAuthV2, PendingInstall, SlackApp } from "effect-slack-oauth"
 *
 * const InstallLive = InstallFlow.layer({
 *   publicUrl: "https://example.com",
 *   botScopes: ["chat:write"],
 *   onInstalled: ({ response }) => Effect.log("installed in", response.target._tag)
 * }).pipe(
 *   Layer.provide(PendingInstall.layerMemory()),
 *   Layer.provide(OAuthV2.layer),
 *   Layer.provide([SlackApp.layerConfig, FetchHttpClient.layer])
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <M = void, I = never, R1 = never, R2 = never, R3 = never>(
  options: WithMetadata<M, I, R1, R2, R3> | WithoutMetadata<M, R1, R2, R3>
): Layer.Layer<
  InstallFlow,
  ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
  OAuthV2.OAuthV2 | SlackApp.SlackApp | PendingInstall.PendingInstallStore | Exclude<R1 | R2 | R3, Scope.Scope>
> => Layer.scoped(InstallFlow, Flow.make(options))

// -------------------------------------------------------------------------------------
// serving it
// -------------------------------------------------------------------------------------

/**
 * A flow as a function from web `Request` to web `Response`, for servers that are no Effect programs: Next.js, Bun,
 * Deno, Workers, Express. It needs nothing but what all of these have.
 *
 * The layer is built at the first request. If it cannot be built (within 30 seconds), the reason is logged, the request
 * gets 503 with `Retry-After`, and the next request builds it anew. `dispose` waits for installs that are under way, and
 * then releases what the layer holds; later requests get 503.
 *
 * @since 0.1.0
 * @category serving
 */
export const toWebHandler = <E>(layer: Layer.Layer<InstallFlow, E>): {
  readonly handler: (request: Request) => Promise<Response>
  readonly dispose: () => Promise<void>
} =>
  WebHandler.make(layer, {
    tag: InstallFlow,
    name: "the install flow",
    handle: ({ handle }, request) => handle(request),
    unavailable: Flow.unavailable
  })
