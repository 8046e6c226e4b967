/**
 * A whole Slack app in one layer: "Add to Slack" and its callback, the event address, stored installations, fresh tokens
 * and the sweep. It puts the modules of this package together, with the defaults for one server. Each part can be replaced.
 *
 * `docs/app.md` is its guide.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as AuthorizeUrl from "./AuthorizeUrl.js"
import type * as Installation from "./Installation.js"
import * as InstallationStore from "./InstallationStore.js"
import * as InstallFlow from "./InstallFlow.js"
import * as InstallRouter from "./InstallRouter.js"
import { withDeadline } from "./internal/deadline.js"
import * as Address from "./internal/events/address.js"
import { isCode } from "./internal/failure.js"
import * as FlowSettings from "./internal/install/settings.js"
import * as ManagerSettings from "./internal/managerSettings.js"
import { canonicalPath, parsePath, routePath, standardPaths } from "./internal/publicUrl.js"
import { parseRetryAfter } from "./internal/retryAfter.js"
import * as Routes from "./internal/routes.js"
import { maskTokens } from "./internal/secrets.js"
import * as SweepSettings from "./internal/sweepSettings.js"
import * as WebHandler from "./internal/webHandler.js"
import * as Lifecycle from "./Lifecycle.js"
import * as OAuthV2 from "./OAuthV2.js"
import * as PendingInstall from "./PendingInstall.js"
import * as SlackApp from "./SlackApp.js"
import * as TokenCipher from "./TokenCipher.js"
import * as TokenManager from "./TokenManager.js"
import * as TokenSweep from "./TokenSweep.js"

// -------------------------------------------------------------------------------------
// errors
// -------------------------------------------------------------------------------------

/**
 * Settings or options that are missing or cannot be used. `problems` has all of them, so that one start shows them all.
 *
 * @since 0.1.0
 * @category errors
 */
export class SlackSettingsError extends Schema.TaggedError<SlackSettingsError>()("SlackSettingsError", {
  problems: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return ["The Slack app cannot start.", ...this.problems.map((problem) => `- ${problem}`)].join("\n")
  }
}

/**
 * A call of the Web API failed. `code` is Slack's code, such as `channel_not_found`, or `no_answer` or `bad_answer` if
 * Slack gave none.
 *
 * @since 0.1.0
 * @category errors
 */
export class SlackCallError extends Schema.TaggedError<SlackCallError>()("SlackCallError", {
  method: Schema.String,
  code: Schema.String,
  /** How long Slack wants callers to wait. */
  retryAfter: Schema.optional(Schema.DurationFromMillis)
}) {
  override get message(): string {
    return `${this.method} failed: ${this.code}. https://docs.slack.dev/reference/methods/${this.method}`
  }
}

// -------------------------------------------------------------------------------------
// options
// -------------------------------------------------------------------------------------

/**
 * The services that {@link layer} provides to `onEvent` and `onInstalled`, and to the rest of the application.
 *
 * @since 0.1.0
 * @category models
 */
export type Services =
  | TokenManager.TokenManager
  | InstallationStore.InstallationStore
  | OAuthV2.OAuthV2
  | SlackApp.SlackApp
  | HttpClient.HttpClient

/** Options of the install flow that {@link Options} has itself. */
type OfApp = "publicUrl" | "botScopes" | "userScopes" | "onInstalled" | "app"

/**
 * Options of the install flow, with its metadata: a Schema, and `begin`, which gives the metadata. It is stored with the
 * installation; see `Installation.metadataOf`.
 *
 * @since 0.1.0
 * @category options
 */
export type InstallOptions<M = void, R = never> =
  | Omit<InstallFlow.WithoutMetadata<M, R, R, R>, OfApp>
  | Omit<InstallFlow.WithMetadata<M, any, R, R, R>, OfApp>

/**
 * The options of {@link layer}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options<E = never, R = never, RStore = never, M = void, EPending = never, RPending = never> {
  /** Where browsers and Slack reach this server; see `InstallFlow.Options`. */
  readonly publicUrl: string | URL
  readonly botScopes?: ReadonlyArray<string> | undefined
  readonly userScopes?: ReadonlyArray<string> | undefined
  /** Where installations are stored, such as `SqlInstallationStore.layer` with a database. It gets the cipher. */
  readonly store: Layer.Layer<InstallationStore.InstallationStore, E, RStore>
  /** Handles every event but Slack's own; see `Lifecycle.EventOptions`. */
  readonly onEvent?: ((event: Lifecycle.Event) => Effect.Effect<unknown, unknown, R>) | undefined
  /** Runs after an install was stored. If it fails, the person sees a failure, and can load the page again. */
  readonly onInstalled?:
    | ((installed: InstallFlow.Installed<NoInfer<M>>) => Effect.Effect<unknown, unknown, R>)
    | undefined
  /** Where Slack sends events; `/slack/events` by default. */
  readonly eventsPath?: `/${string}` | undefined
  /** More options of the install flow. */
  readonly install?: InstallOptions<M, R> | undefined
  /** More options of the event address. */
  readonly events?: Omit<Lifecycle.EventOptions, "onEvent"> | undefined
  /** Options of the `TokenManager`. */
  readonly tokens?: TokenManager.Options | undefined
  /** Options of the sweep; `false` for none. */
  readonly sweep?: TokenSweep.Options | false | undefined
  /** The app; `SlackApp.layerConfig` by default. It needs a signing secret: `SLACK_SIGNING_SECRET`. */
  readonly app?: Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError> | undefined
  /** The encryption of stored tokens; `TokenCipher.layerConfig` by default: `SLACK_TOKEN_KEYS`. */
  readonly cipher?: Layer.Layer<TokenCipher.TokenCipher, ConfigError.ConfigError> | undefined
  /** The client for calls to Slack; `FetchHttpClient.layer` by default. */
  readonly httpClient?: Layer.Layer<HttpClient.HttpClient> | undefined
  /** Where installs are kept while a person is at Slack; `PendingInstall.layerMemory()` by default, for one server. */
  readonly pendingInstalls?: Layer.Layer<PendingInstall.PendingInstallStore, EPending, RPending> | undefined
}

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * The addresses of an app.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** Answers a request to any of the three addresses. Other paths get 404. */
  readonly handle: (request: Request) => Effect.Effect<Response>
  readonly install: InstallFlow.Service
  readonly events: Lifecycle.Service
  /** The paths of the event address: with the path of the public URL, and without it. */
  readonly eventsPaths: ReadonlyArray<`/${string}`>
}

/**
 * The addresses of an app.
 *
 * @since 0.1.0
 * @category tags
 */
export class SlackOAuth extends Context.Tag("effect-slack-oauth/SlackOAuth")<SlackOAuth, Service>() {}

// -------------------------------------------------------------------------------------
// checking
// -------------------------------------------------------------------------------------

const problemOf = (checked: Either.Either<unknown, unknown>): ReadonlyArray<string> =>
  Either.isLeft(checked) ? [String(checked.left)] : []

/** Builds the app and the cipher, and fails with all problems of the settings and options. */
const check = (options: Options<any, any, any, any, any, any>) =>
  Effect.gen(function*() {
    const app = yield* Effect.either(Layer.build(options.app ?? SlackApp.layerConfig))
    const cipher = yield* Effect.either(Layer.build(options.cipher ?? TokenCipher.layerConfig))
    const path = parsePath(options.eventsPath ?? standardPaths.events)
    const signingSecret = Option.getOrUndefined(yield* Config.option(Config.redacted("SLACK_SIGNING_SECRET")))
    // If the app cannot be built, the options are checked for a made-up one. Its signing secret comes from the setting, or is
    // made up too if the options have the app, so that no problem is reported twice.
    const service = Either.match(app, {
      onLeft: (): SlackApp.Service => ({
        clientId: "1.2",
        baseUrl: "https://slack.com",
        signingSecret: options.app === undefined ? signingSecret : Redacted.make("unknown")
      }),
      onRight: (context) => Context.get(context, SlackApp.SlackApp)
    })
    const flow = FlowSettings.make({ ...flowOptions(options), onInstalled: () => Effect.void }, service)
    const events = yield* Effect.either(Address.settingsOf(options.events ?? {}, service))
    const tokens = yield* Effect.either(ManagerSettings.settingsOf(options.tokens ?? {}))
    const sweep = yield* Effect.either(SweepSettings.settingsOf(options.sweep || {}))
    const problems = [
      ...problemOf(app),
      ...problemOf(events),
      ...problemOf(cipher),
      ...problemOf(flow),
      // Both have a `window`.
      ...problemOf(tokens).map((problem) => `tokens: ${problem}`),
      ...problemOf(sweep).map((problem) => `sweep: ${problem}`),
      ...path.ok ? [] : [`eventsPath cannot be used: ${path.problem}`],
      ...path.ok && Either.isRight(flow) && flow.right.stepAt(path.path) !== undefined
        ? [`eventsPath cannot be used: ${path.path} is also a path of the install. Choose another path`]
        : []
    ]
    if (Either.isLeft(app) || Either.isLeft(cipher) || Either.isLeft(flow) || !path.ok || problems.length > 0) {
      return yield* new SlackSettingsError({ problems })
    }
    const { prefix } = flow.right.publicUrl
    const eventsPaths = Array.from(new Set([path.path, `${prefix}${path.path}` as `/${string}`]))
    return { app: app.right, cipher: cipher.right, eventsPaths }
  })

const flowOptions = ({ botScopes, install, publicUrl, userScopes }: Options<any, any, any, any, any, any>) => ({
  ...install,
  publicUrl,
  botScopes,
  userScopes
})

// -------------------------------------------------------------------------------------
// layers
// -------------------------------------------------------------------------------------

/** Stores an install, and then runs `onInstalled`. */
const stored =
  <R, M>(onInstalled: Options<never, R, never, M>["onInstalled"]) => (installed: InstallFlow.Installed<M>) =>
    Effect.zipRight(
      InstallationStore.save(installed.installation),
      onInstalled === undefined ? Effect.void : onInstalled(installed)
    )

const makeService = <R, M>(options: Options<any, R, any, M, any, any>, eventsPaths: Service["eventsPaths"]) =>
  Effect.gen(function*() {
    const install = yield* InstallFlow.make<M, any, R | InstallationStore.InstallationStore, R, R>({
      ...flowOptions(options),
      onInstalled: stored(options.onInstalled)
    })
    const events = yield* Lifecycle.make({ ...options.events, onEvent: options.onEvent })
    const places = eventsPaths.map(canonicalPath)
    const service: Service = {
      install,
      events,
      eventsPaths,
      handle: (request) =>
        places.includes(canonicalPath(new URL(request.url).pathname))
          ? events.handleRequest(request)
          : install.handle(request)
    }
    return service
  })

/**
 * A whole app. At its start it checks the settings and all options, and fails with all that is wrong with them: see
 * {@link SlackSettingsError}. Options that `store` and `pendingInstalls` were made with are checked when these are built.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { InstallationStore, SlackOAuth } from "effect-slack-oauth"
 *
 * const App = SlackOAuth.layer({
 *   publicUrl: "https://example.com",
 *   botScopes: ["app_mentions:read", "chat:write"],
 *   store: InstallationStore.layerMemory,
 *   onEvent: ({ channel, place, type }) =>
 *     type === "app_mention" ? SlackOAuth.call(place, "chat.postMessage", { channel, text: "Hello!" }) : Effect.void
 * })
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = <E = never, R = never, RStore = never, M = void, EPending = never, RPending = never>(
  options: Options<E, R, RStore, M, EPending, RPending>
): Layer.Layer<
  SlackOAuth | Services,
  SlackSettingsError | ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError | E | EPending,
  Exclude<R, Services | Scope.Scope> | Exclude<RStore, TokenCipher.TokenCipher> | RPending
> =>
  Layer.unwrapScoped(Effect.map(check(options), ({ app, cipher, eventsPaths }) => {
    const oauth = OAuthV2.layer.pipe(
      Layer.provideMerge(Layer.merge(Layer.succeedContext(app), options.httpClient ?? FetchHttpClient.layer))
    )
    const store = Layer.provide(options.store, Layer.succeedContext(cipher))
    const tokens = Layer.provideMerge(TokenManager.layer(options.tokens), Layer.merge(oauth, store))
    const sweep = options.sweep === false ? Layer.empty : TokenSweep.layer(options.sweep)
    const pending: Layer.Layer<PendingInstall.PendingInstallStore, EPending | ConfigError.ConfigError, RPending> =
      options.pendingInstalls ?? PendingInstall.layerMemory()
    const addresses = Layer.provide(Layer.scoped(SlackOAuth, makeService(options, eventsPaths)), pending)
    return Layer.provideMerge(Layer.merge(addresses, sweep), tokens)
  })) as never

/**
 * Adds the three addresses of the app in the context to the `HttpLayerRouter` in the context.
 *
 * @since 0.1.0
 * @category serving
 */
export const routes: Layer.Layer<never, never, HttpLayerRouter.HttpRouter | SlackOAuth> = Layer.merge(
  Layer.provide(
    InstallRouter.layerRoutes,
    Layer.effect(InstallFlow.InstallFlow, Effect.map(SlackOAuth, ({ install }) => install))
  ),
  HttpLayerRouter.use((router) =>
    Effect.flatMap(SlackOAuth, ({ events, eventsPaths }) =>
      Effect.forEach(
        eventsPaths,
        (path) => router.add("POST", routePath(path), Routes.toRoute(`http://localhost${path}`, events.handleRequest)),
        { discard: true }
      ))
  )
)

/**
 * The app as a function from web `Request` to web `Response`, for servers that are not Effect programs; see
 * `InstallFlow.toWebHandler`.
 *
 * @since 0.1.0
 * @category serving
 */
export const webHandler = <E>(layer: Layer.Layer<SlackOAuth, E>): {
  readonly handler: (request: Request) => Promise<Response>
  readonly dispose: () => Promise<void>
} =>
  WebHandler.make(layer, {
    tag: SlackOAuth,
    name: "the Slack app",
    handle: ({ handle }, request) => handle(request),
    unavailable: Address.unavailable
  })

// -------------------------------------------------------------------------------------
// calling Slack
// -------------------------------------------------------------------------------------

/** How long a call may take. */
const callDeadline = Duration.seconds(30)

const isWebApiBody = Schema.is(Schema.Struct({ ok: Schema.Boolean, error: Schema.optional(Schema.String) }))

/** Slack's code. A proxy may write another text in its place, which may quote the token. */
const codeOf = (error: string | undefined): string =>
  isCode(error) && maskTokens(error) === error ? error : "bad_answer"

/** Platform's errors contain the request, and so the token. They are replaced by a `SlackCallError`. */
const isOurs = (error: { readonly _tag: string }): error is TokenManager.TokenError | SlackCallError =>
  ["NotInstalled", "ReauthorizationRequired", "TokenUnavailable", "SlackCallError"].includes(error._tag)

/** Slack takes forms for every method. A value that is an object or a list is sent as JSON. */
const toForm = (parameters: Readonly<Record<string, unknown>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(parameters)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [name, typeof value === "object" ? JSON.stringify(value) : String(value)])
  )

/**
 * Calls a method of the Web API with the app's own token for a place, such as that of an event, and returns Slack's answer.
 * A call is sent again only if Slack refused the token. It fails with `no_answer` after 30 seconds. For types, and for
 * everything else, use Slack's client with a token of `TokenManager.botTokenFor`, or your own with
 * `TokenManager.authorized`.
 *
 * @since 0.1.0
 * @category calling Slack
 */
export const call = (
  place: Installation.Place,
  method: string,
  parameters: Readonly<Record<string, unknown>> = {}
): Effect.Effect<
  Readonly<Record<string, unknown>>,
  SlackCallError | TokenManager.TokenError,
  TokenManager.TokenManager | SlackApp.SlackApp | HttpClient.HttpClient
> =>
  Effect.gen(function*() {
    const { baseUrl } = yield* SlackApp.SlackApp
    const client = TokenManager.authorized(place)(yield* HttpClient.HttpClient)
    const failed = (code: string, retryAfter?: Duration.Duration) =>
      new SlackCallError({ method, code, ...retryAfter === undefined ? undefined : { retryAfter } })
    const request = HttpClientRequest.post(`${baseUrl}/api/${method}`).pipe(
      HttpClientRequest.bodyUrlParams(toForm(parameters))
    )
    const exchange = Effect.flatMap(client.execute(request), (response) =>
      Effect.map(
        Effect.orElseSucceed(response.json, () => undefined),
        (body: unknown) => ({
          body,
          headers: response.headers,
          status: response.status
        })
      ))
    const { body, headers, status } = yield* Effect.mapError(
      withDeadline(exchange, callDeadline, () => failed("no_answer")),
      (error) => isOurs(error) ? error : failed("no_answer")
    )
    if (status === 429) {
      const millis = parseRetryAfter(headers["retry-after"], yield* Clock.currentTimeMillis)
      return yield* failed("ratelimited", millis === undefined ? undefined : Duration.millis(millis))
    }
    if (!isWebApiBody(body)) return yield* failed("bad_answer")
    return body.ok ? body as unknown as Readonly<Record<string, unknown>> : yield* failed(codeOf(body.error))
  })
