/**
 * From "Add to Slack" to tokens, in the browser. `begin` sends a person to Slack's consent page. `callback` takes the
 * person back, exchanges the code for tokens, and gives these to the application.
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
import type * as Installation from "./Installation.js"
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
// results
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
 * Scope drift: the scopes that were asked for, and those that were granted.
 *
 * @since 0.1.0
 * @category models
 */
export interface ScopeReport {
  readonly requested: Scopes
  readonly granted: Scopes
  /** Asked for and not granted. */
  readonly missing: Scopes
  /** An address of this flow that asks for the missing scopes. `None` if no scope is missing. */
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
  /**
   * The installation to store, with the metadata that `begin` gave: `InstallationStore.save(installation)`. Later,
   * `Installation.metadataOf` reads the metadata.
   */
  readonly installation: Installation.Installation
  /** When the request for the tokens was sent. This is the time of the installation. */
  readonly requestedAt: DateTime.Utc
  /** The metadata that `begin` gave. */
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
  /**
   * The tokens, if Slack gave them and `onInstalled` failed, or was not run because Slack did not say whose the user
   * token is. They are kept until the duplicate window ends.
   */
  readonly installed: Option.Option<Installed<M>>
  /** The failure of `onInstalled`, if it failed. */
  readonly cause: Option.Option<Cause.Cause<unknown>>
}

// -------------------------------------------------------------------------------------
// options
// -------------------------------------------------------------------------------------

/**
 * Options of a single install.
 *
 * @since 0.1.0
 * @category options
 */
export interface BeginOptions {
  /** Replaces the bot scopes of the flow. */
  readonly botScopes?: ReadonlyArray<string> | undefined
  /** Replaces the user scopes of the flow. */
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** The workspace (`T…`) that Slack offers first. */
  readonly team?: string | undefined
}

/**
 * Options of a single install, with its metadata.
 *
 * @since 0.1.0
 * @category options
 */
export interface BeginWithMetadata<M> extends BeginOptions {
  /** `onInstalled` gets it, and the installation that it stores has it. The browser never sees it. */
  readonly metadata: M
}

export type {
  /**
   * A piece of HTML. An {@link html} template escapes every text that is put into it, but not `Html`.
   *
   * @since 0.1.0
   * @category pages
   */
  Html
}

export {
  /**
   * A template of HTML. It escapes what is put into it, except {@link Html}. Attributes must be quoted.
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
 * A page: HTML, or a whole response. Both get the flow's security headers. A response keeps its own
 * `Content-Security-Policy`.
 *
 * @since 0.1.0
 * @category pages
 */
export type Page = Html | Response

/**
 * The pages of a flow. Each replaces a built-in page.
 *
 * @since 0.1.0
 * @category pages
 */
export interface Pages<M> {
  /** Before the install, with `landing`. `beginUrl` is the address of the link that begins it. */
  readonly landing?: ((view: { readonly beginUrl: string }) => Page) | undefined
  /** After the install, with `success: "page"`. `slackUrl` opens the app in Slack. */
  readonly installed?: ((view: { readonly installed: Installed<M>; readonly slackUrl: string }) => Page) | undefined
  /** After a failure. The status is that of the error. A link with an empty `href` loads the page again. */
  readonly failed?:
    | ((view: { readonly error: InstallError.InstallError; readonly installUrl: string }) => Page)
    | undefined
}

/**
 * Where a person goes after an install: `slack` opens the app in Slack, and `page` shows a page of this flow. A path is
 * below the public URL. A `URL` is an address of the application. A {@link Page} is shown.
 *
 * @since 0.1.0
 * @category options
 */
export type Success = "slack" | "page" | `/${string}` | URL | Page

/**
 * The options of every flow.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<M, R1 = never, R2 = never> {
  /**
   * Where browsers reach this server: an origin, and a path if the server has one before all its own. It must be https,
   * or http on a loopback address. It is never read from a request, because anybody can send any `Host`.
   */
  readonly publicUrl: string | URL
  /** Where an install begins; `/slack/install` by default. */
  readonly installPath?: `/${string}` | undefined
  /**
   * Where Slack sends people back; `/slack/oauth_redirect` by default. `publicUrl` and this path are the redirect URI.
   * Slack compares it letter by letter with the redirect URLs in the app's settings, so a slash at the end must be in
   * both or in neither. This server answers with and without the slash.
   */
  readonly callbackPath?: `/${string}` | undefined
  readonly botScopes?: ReadonlyArray<string> | undefined
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** The app of this flow, if a process serves several. By default it is the `SlackApp` in the context. */
  readonly app?: SlackApp.Service | undefined
  /**
   * Whether to use PKCE. By default only an app without a client secret uses it. Slack accepts PKCE only from apps that
   * opted in. Slack accepts one proof, so with PKCE the token request has the verifier and no client secret.
   */
  readonly pkce?: boolean | undefined
  /** How long an install may take from `begin` to `callback`; 10 minutes by default. */
  readonly lifetime?: Duration.DurationInput | undefined
  /**
   * How long this process remembers the outcome of a callback; 5 minutes by default. A reload within this time shows the
   * outcome again, or repeats what failed on this side.
   */
  readonly duplicateWindow?: Duration.DurationInput | undefined
  /**
   * What to do with a callback without a state. An install that began on Slack's own pages has none. `bounce`, the
   * default, drops the code and sends the person through authorize once, with a state. `reject` shows a page that says
   * to start here. A code without a state is never exchanged.
   */
  readonly withoutState?: "bounce" | "reject" | undefined
  /** Whether the install address shows a page with an "Add to Slack" button, before it sends the person to Slack. */
  readonly landing?: boolean | undefined
  /** Where a person goes after the install; `slack` by default. A path is added to the path of `publicUrl`. */
  readonly success?: Success | ((installed: Installed<M>) => Success) | undefined
  /** Origins that `success` may lead to, in addition to this server and Slack. */
  readonly allowedOrigins?: ReadonlyArray<string> | undefined
  readonly pages?: Pages<M> | undefined
  /**
   * When to repeat the call for the tokens, while the browser waits; `RetryPolicy.interactive` by default. The policy of
   * the rest of the program does not apply here.
   */
  readonly retryPolicy?: Schedule.Schedule<unknown, OAuthV2Error.OAuthV2Error> | RetryPolicy.Policy | undefined
  /**
   * Stores the tokens. If it fails or takes longer than five minutes, the person sees a page with status 500. A reload
   * within the duplicate window runs it again with the same tokens, so it must be safe to run twice for one install.
   *
   * This effect and the two others (`begin`, `onFailed`) run with the services of the layer, under the span and the log
   * annotations of the request, and in a scope that closes after them. They get nothing else of the request, for example
   * no database transaction.
   */
  readonly onInstalled: (installed: Installed<M>) => Effect.Effect<unknown, unknown, R1>
  /** Runs after every install that failed. It gets the tokens, if Slack gave them and `onInstalled` did not succeed. */
  readonly onFailed?: ((failed: Failed<M>) => Effect.Effect<unknown, never, R2>) | undefined
}

/**
 * The options of a flow without metadata.
 *
 * @since 0.1.0
 * @category options
 */
export interface WithoutMetadata<M = void, R1 = never, R2 = never, R3 = never> extends Options<NoInfer<M>, R1, R2> {
  readonly metadata?: undefined
  /** Runs when an install begins. If it gives a `Response`, such as a redirect to a login, no install begins. */
  readonly begin?: ((request: Request) => Effect.Effect<BeginOptions | Response, unknown, R3>) | undefined
}

/**
 * The options of a flow whose installs have metadata, for example who is signed in.
 *
 * @since 0.1.0
 * @category options
 */
export interface WithMetadata<M, I, R1 = never, R2 = never, R3 = never> extends Options<NoInfer<M>, R1, R2> {
  readonly metadata: Schema.Schema<M, I>
  /** Runs when an install begins. If it gives a `Response`, such as a redirect to a login, no install begins. */
  readonly begin: (request: Request) => Effect.Effect<BeginWithMetadata<M> | Response, unknown, R3>
}

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * An install flow. Its functions answer every request and never fail.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly installPath: `/${string}`
  readonly callbackPath: `/${string}`
  /** The address where an install begins. */
  readonly installUrl: string
  /** The redirect URI. It must be among the redirect URLs in the app's settings at Slack. */
  readonly redirectUri: string
  /** Sends a person to Slack. */
  readonly begin: (request: Request) => Effect.Effect<Response>
  /** Takes a person back from Slack. */
  readonly callback: (request: Request) => Effect.Effect<Response>
  /** Runs `begin` or `callback`, by the path of the request. Other paths get 404. */
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
 * Makes a flow. It fails if an option cannot be used, for example if there are no scopes, so that a server with a broken
 * flow does not start.
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
 * The install flow of an app. It needs `OAuthV2`, a store of pending installs, and what the application's effects need.
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
// the web handler
// -------------------------------------------------------------------------------------

/**
 * A flow as a function from web `Request` to web `Response`, for servers that are not Effect programs: Next.js, Bun,
 * Deno, Workers, Express. It uses only what all of these have.
 *
 * The first request builds the layer. If this fails or takes longer than 30 seconds, the reason is logged, the request
 * gets 503 with `Retry-After`, and the next request builds the layer again. `dispose` waits for installs that run, and
 * then releases the layer. Later requests get 503.
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
