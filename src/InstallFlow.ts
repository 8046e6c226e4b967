/**
 * From "Add to Slack" to tokens, in the browser: `begin` sends a person to Slack's consent page, `callback` takes them
 * back, turns the code into tokens, and hands these to the application.
 *
 * A flow is a function from web `Request` to web `Response`. `InstallRouter` serves it on the routers of
 * `@effect/platform`, and {@link toWebHandler} everywhere else. `docs/security.md` lists what each check stops.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberId from "effect/FiberId"
import * as FiberRef from "effect/FiberRef"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as AuthorizeUrl from "./AuthorizeUrl.js"
import * as InstallError from "./InstallError.js"
import { withDeadline } from "./internal/deadline.js"
import { Html, html } from "./internal/html.js"
import * as Answer from "./internal/install/answer.js"
import { parseCallbackQuery } from "./internal/install/callbackQuery.js"
import { makeFlowCookies } from "./internal/install/flowCookies.js"
import * as DefaultPages from "./internal/install/pages.js"
import * as Browser from "./internal/install/prefetch.js"
import * as LayerContext from "./internal/layerContext.js"
import { checkDuration, refuse } from "./internal/options.js"
import { canonicalPath, parsePath, parsePublicUrl } from "./internal/publicUrl.js"
import { randomToken, sha256 } from "./internal/random.js"
import { late, storeCall } from "./internal/storeCall.js"
import * as OAuthV2 from "./OAuthV2.js"
import type * as OAuthV2Error from "./OAuthV2Error.js"
import * as PendingInstall from "./PendingInstall.js"
import * as Pkce from "./Pkce.js"
import * as RetryPolicy from "./RetryPolicy.js"
import * as SlackApp from "./SlackApp.js"
import * as Telemetry from "./Telemetry.js"
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
export interface WithoutMetadata<R> {
  readonly metadata?: undefined
  /** Runs when an install begins. A `Response`, such as a redirect to a login, is sent instead of beginning. */
  readonly begin?: ((request: Request) => Effect.Effect<BeginOptions | Response, unknown, R>) | undefined
}

/**
 * For a flow whose installs carry something: who is signed in, which plan was chosen.
 *
 * @since 0.1.0
 * @category options
 */
export interface WithMetadata<M, I, R> {
  readonly metadata: Schema.Schema<M, I>
  /** Runs when an install begins. A `Response`, such as a redirect to a login, is sent instead of beginning. */
  readonly begin: (request: Request) => Effect.Effect<BeginWithMetadata<M> | Response, unknown, R>
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
// scopes
// -------------------------------------------------------------------------------------

const isEmpty = ({ bot, user }: Scopes): boolean => bot.length === 0 && user.length === 0

const includesAll = (all: ReadonlyArray<string>, some: ReadonlyArray<string>): boolean =>
  some.every((scope) => all.includes(scope))

const covers = (all: Scopes, some: Scopes): boolean =>
  includesAll(all.bot, some.bot) && includesAll(all.user, some.user)

const without = (all: ReadonlyArray<string>, some: ReadonlyArray<string>): ReadonlyArray<string> =>
  all.filter((scope) => !some.includes(scope))

const toQuery = ({ bot, user }: Scopes): URLSearchParams => {
  const query = new URLSearchParams()
  if (bot.length > 0) query.set("scope", bot.join(","))
  if (user.length > 0) query.set("user_scope", user.join(","))
  return query
}

const fromQuery = (query: URLSearchParams): Scopes => ({
  bot: AuthorizeUrl.scopes(query.getAll("scope")),
  user: AuthorizeUrl.scopes(query.getAll("user_scope"))
})

// -------------------------------------------------------------------------------------
// one code and one state
// -------------------------------------------------------------------------------------

type Outcome = Either.Either<Answer.Answer, InstallError.InstallError>

/** What a browser has brought back, once it is known that it is the browser that was sent. */
interface Arrival {
  readonly stateHash: string
  readonly carried: string
  /** Whether the browser has been told before that the state is used. */
  readonly used: boolean
  readonly code: string
}

/** What has come of one code and state so far. */
interface Entry<M> {
  readonly until: number
  /** Who comes while it runs waits for it. */
  running: Deferred.Deferred<Outcome> | undefined
  outcome: Outcome | undefined
  /** Taken from the store, once. */
  pending: PendingInstall.PendingInstall | undefined
  /** Slack's tokens, until the application has them. */
  installed: Installed<M> | undefined
  /** How `onInstalled` failed, if it did. */
  cause: Cause.Cause<unknown> | undefined
}

/** What a callback fails with that finds no install under its state. */
const noInstall: ReadonlySet<string> = new Set(["InstallStateUsed", "InstallStateGone", "InstallStateExpired"])

const mayRepeat = (outcome: Outcome): boolean => Either.isLeft(outcome) && outcome.left.nextStep === "reload"

/**
 * Only who comes with a good cookie gets an entry, but anybody can get that. Attempts that run and tokens that wait for
 * a reload are never forgotten to make room, so only these can go beyond it.
 */
const maxEntries = 500

/** What would be lost with an entry: nothing, a page to show again, an install that a reload can finish, or tokens. */
const worth = ({ installed, outcome, pending }: Entry<unknown>): number => {
  if (installed !== undefined) return Infinity
  if (outcome === undefined) return 0
  if (Either.isRight(outcome)) return 1
  return mayRepeat(outcome) && pending !== undefined ? 2 : 0
}

/** Forgets what has expired, and if there is still no room, the oldest of the entries with the least to lose. */
const makeRoom = (entries: Map<string, Entry<unknown>>, now: number): void => {
  let least = Infinity
  let victim: string | undefined
  for (const [key, entry] of entries) {
    if (entry.running !== undefined) continue
    if (entry.until <= now) {
      entries.delete(key)
      continue
    }
    // The entries are in the order of their ends, so nothing behind this one has expired.
    if (entries.size < maxEntries || least === 0) break
    if (worth(entry) < least) {
      least = worth(entry)
      victim = key
    }
  }
  if (victim !== undefined && entries.size >= maxEntries) entries.delete(victim)
}

/** How long a server that shuts down waits for installs that are under way. */
const shutdownGrace = Duration.seconds(30)

/** How long it waits afterwards for `onFailed`, which gets the tokens of those that were not. */
const lastWords = Duration.seconds(10)

/** Carries the span and the log annotations of the caller over to work that runs in another context. */
const observedByCaller: Effect.Effect<<A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>> = Effect.gen(
  function*() {
    const span = yield* Effect.serviceOption(Tracer.ParentSpan)
    const annotations = yield* FiberRef.get(FiberRef.currentLogAnnotations)
    const logSpans = yield* FiberRef.get(FiberRef.currentLogSpan)
    return (effect) =>
      (Option.isSome(span) ? Effect.withParentSpan(effect, span.value) : effect).pipe(
        Effect.locally(FiberRef.currentLogAnnotations, annotations),
        Effect.locally(FiberRef.currentLogSpan, logSpans)
      )
  }
)

interface Attempt<M> {
  readonly run: (entry: Entry<M>, arrival: Arrival) => Effect.Effect<Answer.Answer, InstallError.InstallError>
  /** Runs after each that failed, also after one that was interrupted. */
  readonly failed: (entry: Entry<M>, error: InstallError.InstallError) => Effect.Effect<void>
}

/**
 * Runs each arrival once, however often it comes within the window, and apart from the request that brought it: in the
 * layer's context, where neither a browser that gives up nor a transaction of the request that rolls back loses the
 * tokens which Slack has already handed out.
 */
const makeOnce = <M>(
  window: Duration.Duration,
  layerContext: LayerContext.LayerContext<never>,
  attempt: Attempt<M>
): Effect.Effect<(arrival: Arrival) => Effect.Effect<Outcome>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const entries = new Map<string, Entry<M>>()
    const fibers = new Set<Fiber.RuntimeFiber<unknown>>()

    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) =>
      Fiber.awaitAll(Array.from(fibers)).pipe(
        Effect.timeoutOption(shutdownGrace),
        Effect.interruptible,
        Effect.ensuring(Effect.ignore(withDeadline(Scope.close(scope, Exit.void), shutdownGrace, () => "late")))
      ))

    const entryFor = (key: string, now: number): Entry<M> => {
      const known = entries.get(key)
      if (known !== undefined && (known.running !== undefined || known.until > now)) return known
      entries.delete(key)
      makeRoom(entries, now)
      const entry: Entry<M> = {
        until: now + Duration.toMillis(window),
        running: undefined,
        outcome: undefined,
        pending: undefined,
        installed: undefined,
        cause: undefined
      }
      entries.set(key, entry)
      return entry
    }

    const outcomeOf = (entry: Entry<M>, arrival: Arrival): Effect.Effect<Outcome> =>
      attempt.run(entry, arrival).pipe(
        Effect.interruptible,
        Effect.catchAllCause((cause) => {
          const shuttingDown = Cause.isInterrupted(cause)
          const error = Option.getOrElse(Cause.failureOption(cause), () =>
            new InstallError.InstallUnexpected({
              problem: shuttingDown ? "the server is shutting down" : "an unexpected error occurred"
            }))
          const report = attempt.failed(entry, error)
          return Effect.zipRight(
            shuttingDown ? Effect.ignore(withDeadline(report, lastWords, () => "late")) : report,
            Effect.fail(error)
          )
        }),
        Effect.either
      )

    /** From the start of an attempt to its outcome nothing comes in between, except in the attempt itself. */
    const start = (key: string, entry: Entry<M>, arrival: Arrival) =>
      Effect.suspend(() => {
        const running = Deferred.unsafeMake<Outcome>(FiberId.none)
        entry.running = running
        const work = Effect.map(outcomeOf(entry, arrival), (outcome) => {
          entry.outcome = outcome
          entry.running = undefined
          // There is no install here, so there is nothing to remember.
          if (Either.isLeft(outcome) && noInstall.has(outcome.left._tag)) entries.delete(key)
          Deferred.unsafeDone(running, Effect.succeed(outcome))
        })
        return Effect.flatMap(observedByCaller, (observed) =>
          Effect.map(layerContext.fork(observed(Effect.uninterruptible(work)), scope), (fiber) => {
            fibers.add(fiber)
            fiber.addObserver(() => fibers.delete(fiber))
            return running
          }))
      })

    return (arrival) =>
      Effect.gen(function*() {
        const key = `${arrival.stateHash}.${arrival.code}`
        const now = yield* Clock.currentTimeMillis
        return yield* Effect.uninterruptibleMask((restore) =>
          Effect.suspend((): Effect.Effect<Outcome> => {
            const entry = entryFor(key, now)
            if (entry.running !== undefined) {
              return restore(Deferred.await(entry.running))
            }
            return entry.outcome === undefined || mayRepeat(entry.outcome)
              ? Effect.flatMap(start(key, entry, arrival), (running) =>
                restore(Deferred.await(running)))
              : Effect.succeed(entry.outcome)
          })
        )
      })
  })

// -------------------------------------------------------------------------------------
// the flow
// -------------------------------------------------------------------------------------

/** How long an effect of the application may take. */
const applicationLimit = Duration.minutes(5)

/** How long a store of pending installs may take to answer. */
const storeLimit = Duration.seconds(15)

/** Longer than anything that has business here. */
const maxQueryLength = 4096

const idOf = ({ target }: TokenResponse.TokenResponse): string =>
  target._tag === "Workspace" ? target.team.id : target.enterprise.id

const nameOf = ({ target }: TokenResponse.TokenResponse): string => {
  const party = target._tag === "Workspace" ? target.team : target.enterprise
  return Option.getOrElse(party.name, () => party.id)
}

/** By its shape: a framework may bring a `Response` class of its own. */
const isResponse = (value: object): value is Response => "status" in value && "headers" in value

const fromPage = (status: number, page: Page): Effect.Effect<Answer.Answer, unknown> =>
  page instanceof Html ? Effect.succeed(Answer.page(status, page)) : Answer.fromResponse(page)

const queryOf = (request: Request): string => new URL(request.url).search.slice(1)

interface Reply {
  readonly answer: Answer.Answer
  readonly cookies: ReadonlyArray<string>
  /** `ok`, or the tag of the error. */
  readonly result: string
}

interface AnyOptions<M, R1, R2, R3> extends Options<M, R1, R2> {
  readonly metadata?: Schema.Schema<M, any> | undefined
  readonly begin?:
    | ((request: Request) => Effect.Effect<BeginOptions | BeginWithMetadata<M> | Response, unknown, R3>)
    | undefined
}

const pathOption = (
  name: "installPath" | "callbackPath",
  input: string
): Either.Either<`/${string}`, ConfigError.ConfigError> => {
  const parsed = parsePath(input)
  return parsed.ok
    ? Either.right(parsed.path)
    : Either.left(ConfigError.InvalidData([name], `The path ${input} cannot be served: ${parsed.problem}`))
}

/** Slack is at two addresses: its own, and that of its application in the browser. */
const slackOrigins = (baseUrl: string): ReadonlyArray<string> => {
  const { hostname, origin } = new URL(baseUrl)
  return hostname === "slack.com" || hostname === "slack-gov.com" ? [origin, `https://app.${hostname}`] : [origin]
}

/** An origin as browsers write it, or the error of one that nothing is at. */
const originOption = (input: string): Either.Either<string, ConfigError.ConfigError> => {
  const url = URL.canParse(input) ? new URL(input) : undefined
  return url !== undefined && url.origin !== "null" && url.href === `${url.origin}/`
    ? Either.right(url.origin)
    : refuse("allowedOrigins", `${input} is not an origin; write it like https://example.com`)
}

type Requirements = OAuthV2.OAuthV2 | SlackApp.SlackApp | PendingInstall.PendingInstallStore

const makeAny = <M, R1, R2, R3>(
  options: AnyOptions<M, R1, R2, R3>
): Effect.Effect<
  Service,
  ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
  Requirements | Scope.Scope | R1 | R2 | R3
> =>
  Effect.gen(function*() {
    const oauth = yield* OAuthV2.OAuthV2
    const store = yield* PendingInstall.PendingInstallStore
    const app = options.app ?? (yield* SlackApp.SlackApp)
    const layerContext = yield* LayerContext.make<R1 | R2 | R3>()

    const publicUrl = parsePublicUrl(String(options.publicUrl))
    if (!publicUrl.ok) {
      return yield* Effect.fail(
        ConfigError.InvalidData(["publicUrl"], `The public URL cannot be used: ${publicUrl.problem}`)
      )
    }
    const installPath = yield* pathOption("installPath", options.installPath ?? "/slack/install")
    const callbackPath = yield* pathOption("callbackPath", options.callbackPath ?? "/slack/oauth_redirect")
    // A proxy may have taken the prefix off, or not.
    const placesOf = (path: string) => [canonicalPath(path), canonicalPath(`${publicUrl.prefix}${path}`)]
    const [installPlaces, callbackPlaces] = [placesOf(installPath), placesOf(callbackPath)]
    if (installPlaces.some((place) => callbackPlaces.includes(place))) {
      return yield* Effect.fail(
        ConfigError.InvalidData(["callbackPath"], `${callbackPath} is the path of the install, too: give it another`)
      )
    }
    const installUrl = `${publicUrl.base}${installPath}`
    const redirectUri = `${publicUrl.base}${callbackPath}`
    const flowScopes: Scopes = {
      bot: AuthorizeUrl.scopes(options.botScopes),
      user: AuthorizeUrl.scopes(options.userScopes)
    }
    // What is wrong in any case is wrong now, and not when the first person clicks.
    if (options.begin === undefined || !isEmpty(flowScopes)) {
      yield* AuthorizeUrl.forApp(app, { botScopes: flowScopes.bot, userScopes: flowScopes.user, redirectUri })
    }

    const { begin: onBegin, onFailed, retryPolicy = RetryPolicy.interactive } = options
    const { budget = RetryPolicy.interactive.budget } = retryPolicy as Partial<RetryPolicy.Policy>
    const answerLimit = Duration.sum(budget, "20 seconds")
    const usePkce = options.pkce ?? app.clientSecret === undefined
    const publicApp: SlackApp.Service = { clientId: app.clientId, baseUrl: app.baseUrl }
    const lifetime = yield* checkDuration("lifetime", options.lifetime ?? "10 minutes")
    const window = yield* checkDuration("duplicateWindow", options.duplicateWindow ?? "5 minutes", { zero: true })
    const allowedOrigins = yield* Either.all((options.allowedOrigins ?? []).map(originOption))
    const metadata = Schema.parseJson(options.metadata ?? Schema.Undefined as Schema.Schema<any>)
    const contentSecurityPolicy = yield* Effect.promise(DefaultPages.contentSecurityPolicy)
    const cookies = makeFlowCookies(publicUrl.secure, app.clientId)
    const safeOrigins = new Set([publicUrl.origin, ...slackOrigins(app.baseUrl), ...allowedOrigins])

    // what is not ours

    /** Runs an effect of the application. */
    const ofApplication = <A, E>(effect: () => Effect.Effect<A, E, R1 | R2 | R3>) =>
      withDeadline(layerContext.run(Effect.suspend(effect)), applicationLimit, () => "it took longer than five minutes")

    /** Asks the store: as the layer, not as the request, so that what is used once stays used. */
    const ask = <A, E>(
      operation: PendingInstall.PendingInstallStoreError["operation"],
      answer: Effect.Effect<A, E>
    ): Effect.Effect<A, E | PendingInstall.PendingInstallStoreError> =>
      storeCall(layerContext.run(answer), {
        operation: `PendingInstallStore.${operation}`,
        deadline: storeLimit,
        toError: (code) =>
          new PendingInstall.PendingInstallStoreError({
            operation,
            problem: code === late ? "it did not answer within 15 seconds" : `it ended unexpectedly (${code})`
          })
      })

    // failures

    /** The application's own page, unless making it fails. */
    const pageOr = (status: number, page: () => Page | undefined, fallback: () => Html): Effect.Effect<Answer.Answer> =>
      Effect.suspend(() => fromPage(status, page() ?? fallback())).pipe(
        Effect.catchAllCause(() =>
          Effect.as(Effect.logError("A page of the install flow failed"), Answer.page(status, fallback()))
        )
      )

    const failureAnswer = (error: InstallError.InstallError): Effect.Effect<Answer.Answer> =>
      pageOr(
        error.status,
        () => options.pages?.failed?.({ error, installUrl }),
        () =>
          DefaultPages.failure({
            tag: error._tag,
            remedy: error._tag === "InstallExchangeFailed" ? error.error.remedy : undefined,
            nextStep: error.nextStep,
            installUrl
          })
      )

    const report = (failed: Failed<M>): Effect.Effect<void> =>
      Effect.zipRight(
        failed.error._tag === "InstallNotCompleted"
          ? Effect.logError(failed.error.message)
          : Effect.logDebug(failed.error.message),
        onFailed === undefined
          ? Effect.void
          : Effect.catchAllCause(
            ofApplication(() => onFailed(failed)),
            () => Effect.logError("onFailed failed")
          )
      )

    const refuse = (
      error: InstallError.InstallError,
      setCookies: ReadonlyArray<string> = []
    ): Effect.Effect<Reply> =>
      Effect.map(failureAnswer(error), (answer) => ({ answer, cookies: setCookies, result: error._tag }))

    /** For what fails before an arrival is an arrival. */
    const refuseAndReport = (error: InstallError.InstallError, setCookies?: ReadonlyArray<string>) =>
      Effect.zipRight(
        report({ error, installed: Option.none(), cause: Option.none() }),
        refuse(error, setCookies)
      )

    // begin

    const beginFailed = (problem: string) => refuseAndReport(new InstallError.InstallUnexpected({ problem }))

    const sendToSlack = (request: Request, scopes: Scopes, setCookies: ReadonlyArray<string>) =>
      Effect.gen(function*() {
        const chosen: BeginOptions | BeginWithMetadata<M> | Response = onBegin === undefined
          ? {}
          : yield* ofApplication(() => onBegin(request))
        // A copy, since the application may give the same response again.
        if (isResponse(chosen)) return chosen.clone()

        const pkce = usePkce ? Option.some(yield* Pkce.make) : Option.none()
        const state = randomToken()
        const stateHash = yield* Effect.promise(() => sha256(state))
        const botScopes = AuthorizeUrl.scopes(chosen.botScopes ?? scopes.bot)
        const userScopes = AuthorizeUrl.scopes(chosen.userScopes ?? scopes.user)
        const url = yield* AuthorizeUrl.forApp(app, {
          botScopes,
          userScopes,
          redirectUri,
          state,
          team: chosen.team,
          codeChallenge: Option.getOrUndefined(Option.map(pkce, ({ challenge }) => challenge))
        })

        const now = yield* DateTime.now
        const expiresAt = DateTime.addDuration(now, lifetime)
        const pending = new PendingInstall.PendingInstall({
          redirectUri,
          botScopes,
          userScopes,
          codeVerifier: Option.map(pkce, ({ verifier }) => verifier),
          metadata: Redacted.make(
            "metadata" in chosen && options.metadata !== undefined
              ? yield* Schema.encode(metadata)(chosen.metadata)
              : ""
          ),
          expiresAt
        }, { disableValidation: true })
        const carried = yield* ask("save", store.save(stateHash, pending))
        return {
          answer: Answer.redirect(302, url),
          cookies: [
            ...setCookies,
            ...cookies.begin(request.headers.get("cookie"), Math.floor(now.epochMillis / 1000), {
              stateHash,
              expiresAtSeconds: Math.floor(expiresAt.epochMillis / 1000),
              carried
            })
          ],
          result: "ok"
        }
      }).pipe(
        Effect.catchAllCause((cause): Effect.Effect<Reply> => {
          const error = Option.getOrUndefined(Cause.failureOption(cause))
          if (error instanceof PendingInstall.PendingInstallStoreError) {
            return refuseAndReport(new InstallError.InstallStoreFailed({ problem: error.message }))
          }
          return error instanceof AuthorizeUrl.AuthorizeUrlNoScopes
            ? beginFailed("it asks for no scopes")
            : beginFailed("the application's begin failed, or its metadata do not fit their schema")
        })
      )

    const answerBegin = (request: Request): Effect.Effect<Reply | Response> => {
      const query = queryOf(request)
      if (query.length > maxQueryLength) return refuseAndReport(new InstallError.InstallQueryTooLong())
      const parameters = new URLSearchParams(query)
      const asked = fromQuery(parameters)
      if (!covers(flowScopes, asked)) return refuseAndReport(new InstallError.InstallUnknownScope())
      if (options.landing === true && !parameters.has("begin")) {
        const next = toQuery(asked)
        next.set("begin", "")
        const beginUrl = `${installUrl}?${next}`
        return Effect.map(
          pageOr(200, () => options.pages?.landing?.({ beginUrl }), () => DefaultPages.landing(beginUrl)),
          (answer) => ({ answer, cookies: [], result: "landing" })
        )
      }
      return sendToSlack(request, isEmpty(asked) ? flowScopes : asked, [])
    }

    // callback

    const slackUrl = (response: TokenResponse.TokenResponse): string =>
      `${app.baseUrl}/app_redirect?${new URLSearchParams({ app: response.appId, team: idOf(response) })}`

    const installedPage = (installed: Installed<M>): Effect.Effect<Answer.Answer> =>
      pageOr(
        200,
        () => options.pages?.installed?.({ installed, slackUrl: slackUrl(installed.response) }),
        () =>
          DefaultPages.installed({
            where: nameOf(installed.response),
            slackUrl: slackUrl(installed.response),
            missing: [...installed.scopes.missing.bot, ...installed.scopes.missing.user],
            restUrl: Option.getOrUndefined(installed.scopes.restUrl)
          })
      )

    const successAnswer = (installed: Installed<M>): Effect.Effect<Answer.Answer> =>
      Effect.suspend(() => {
        const { success = "slack" } = options
        const choice = typeof success === "function" ? success(installed) : success
        if (choice === "slack") return Effect.succeed(Answer.redirect(303, slackUrl(installed.response)))
        if (choice === "page") return installedPage(installed)
        if (choice instanceof Html) return fromPage(200, choice)
        if (typeof choice !== "string" && isResponse(choice)) return fromPage(200, choice)
        const target = new URL(choice, publicUrl.origin)
        if (typeof choice === "string" && choice.startsWith("/") && target.origin === publicUrl.origin) {
          target.pathname = `${publicUrl.prefix}${target.pathname}`
        }
        // An application that builds this address out of something that it was given must not become an open redirect.
        return safeOrigins.has(target.origin) || target.protocol === "slack:"
          ? Effect.succeed(Answer.redirect(303, target.href))
          : Effect.zipRight(
            Effect.logError(`success leads to ${target.origin}, which is not among allowedOrigins`),
            installedPage(installed)
          )
      }).pipe(
        Effect.catchAllCause(() => Effect.zipRight(Effect.logError("success failed"), installedPage(installed)))
      )

    const drift = (
      { botScopes: bot, userScopes: user }: PendingInstall.PendingInstall,
      response: TokenResponse.TokenResponse
    ): ScopeReport => {
      const granted: Scopes = {
        bot: Option.match(response.bot, { onNone: () => [], onSome: ({ scopes }) => scopes }),
        user: Option.match(response.user, { onNone: () => [], onSome: ({ scopes }) => scopes })
      }
      const missing: Scopes = { bot: without(bot, granted.bot), user: without(user, granted.user) }
      return {
        requested: { bot, user },
        granted,
        missing,
        restUrl: isEmpty(missing)
          ? Option.none()
          : Option.some(covers(flowScopes, missing) ? `${installUrl}?${toQuery(missing)}` : installUrl)
      }
    }

    const consume = ({ carried, stateHash, used }: Arrival) =>
      Effect.mapError(ask("consume", store.consume(stateHash, carried)), (error): InstallError.InstallError => {
        switch (error._tag) {
          case "PendingInstallNotFound":
            return used || error.used ? new InstallError.InstallStateUsed() : new InstallError.InstallStateGone()
          case "PendingInstallExpired":
            return new InstallError.InstallStateExpired()
          case "PendingInstallStoreError":
            return new InstallError.InstallStoreFailed({ problem: error.message })
        }
      })

    const exchange = (pending: PendingInstall.PendingInstall, code: string) =>
      Effect.gen(function*() {
        const decoded = options.metadata === undefined
          ? undefined
          : yield* Effect.mapError(
            Schema.decode(metadata)(Redacted.value(pending.metadata)),
            () => new InstallError.InstallUnexpected({ problem: "its metadata no longer fit their schema" })
          )
        const requestedAt = yield* DateTime.now
        const response = yield* Effect.mapError(
          oauth.access({
            code,
            redirectUri: pending.redirectUri,
            codeVerifier: Option.getOrUndefined(pending.codeVerifier),
            app: Option.isSome(pending.codeVerifier) ? publicApp : options.app
          }).pipe(RetryPolicy.provide(retryPolicy)),
          (error) => new InstallError.InstallExchangeFailed({ error }, { disableValidation: true })
        )
        return { response, requestedAt, metadata: decoded as M, scopes: drift(pending, response) }
      })

    const once = yield* makeOnce<M>(window, layerContext, {
      run: (entry, arrival) =>
        Effect.gen(function*() {
          // Each step is kept where the next attempt finds it, since none of them can be taken twice.
          entry.cause = undefined
          entry.pending ??= yield* consume(arrival)
          const installed = entry.installed ??= yield* exchange(entry.pending, arrival.code)
          yield* Effect.catchAllCause(ofApplication(() => options.onInstalled(installed)), (cause) => {
            entry.cause = cause
            const { response } = installed
            return Effect.fail(
              new InstallError.InstallNotCompleted({ appId: response.appId, targetId: idOf(response) })
            )
          })
          entry.pending = undefined
          entry.installed = undefined
          return yield* successAnswer(installed)
        }),
      failed: ({ cause, installed }, error) =>
        report({ error, installed: Option.fromNullable(installed), cause: Option.fromNullable(cause) })
    })

    /** The cookie afterwards: still the proof, or gone where there is nothing left to prove. */
    const cookiesAfter = (cookie: Parameters<typeof cookies.drop>[0], outcome: Outcome): ReadonlyArray<string> => {
      const tag = Either.isLeft(outcome) ? outcome.left._tag : undefined
      switch (tag) {
        case "InstallStateExpired":
          return [cookies.drop(cookie)]
        // The state may be unused, or another process may keep its tokens for a reload: the browser needs its cookie.
        case "InstallStateUsed":
        case "InstallStateGone":
        case "InstallStoreFailed":
        case "InstallUnexpected":
          return []
        default:
          return [cookies.finish(cookie, Duration.toSeconds(window)), cookies.dropBounced]
      }
    }

    const withCode = (request: Request, code: string, state: string) =>
      Effect.gen(function*() {
        const stateHash = yield* Effect.promise(() => sha256(state))
        const cookie = cookies.find(request.headers.get("cookie"), stateHash)
        if (cookie === undefined) return yield* refuseAndReport(new InstallError.InstallStateForeign())
        const outcome = yield* once({ ...cookie, code })
        const setCookies = cookiesAfter(cookie, outcome)
        return Either.isRight(outcome)
          ? { answer: outcome.right, cookies: setCookies, result: "ok" }
          : yield* refuse(outcome.left, setCookies)
      })

    const withoutState = (request: Request) =>
      options.withoutState === "reject" || cookies.wasBounced(request.headers.get("cookie"))
        ? refuseAndReport(new InstallError.InstallStateMissing(), [cookies.dropBounced])
        : sendToSlack(request, flowScopes, [cookies.markBounced])

    /** The person has said no, or Slack has. Who comes with a state that is theirs has used it up. */
    const withRefusal = (request: Request, code: string, state: string | undefined) =>
      Effect.gen(function*() {
        const error = code === "access_denied"
          ? new InstallError.InstallDenied()
          : new InstallError.InstallRefused({ code })
        if (state === undefined) return yield* refuseAndReport(error)
        const stateHash = yield* Effect.promise(() => sha256(state))
        const cookie = cookies.find(request.headers.get("cookie"), stateHash)
        if (cookie === undefined) return yield* refuseAndReport(error)
        yield* Effect.ignore(ask("consume", store.consume(stateHash, cookie.carried)))
        return yield* refuseAndReport(error, [cookies.drop(cookie), cookies.dropBounced])
      })

    const answerCallback = (request: Request): Effect.Effect<Reply | Response> => {
      const query = parseCallbackQuery(queryOf(request))
      switch (query._tag) {
        case "TooLong":
          return refuseAndReport(new InstallError.InstallQueryTooLong())
        case "Repeated":
          return refuseAndReport(new InstallError.InstallRepeatedParameter({ parameter: query.parameter }))
        case "Malformed":
          return refuseAndReport(new InstallError.InstallMalformedParameter({ parameter: query.parameter }))
        case "Missing":
          return refuseAndReport(new InstallError.InstallMissingParameter({ parameter: query.parameter }))
        case "Refusal":
          return withRefusal(request, query.error, query.state)
        case "Code":
          return query.state === undefined ? withoutState(request) : withCode(request, query.code, query.state)
      }
    }

    // every request

    const handler =
      (step: Telemetry.InstallStep, answer: (request: Request) => Effect.Effect<Reply | Response>) =>
      (request: Request): Effect.Effect<Response> =>
        Effect.suspend((): Effect.Effect<Reply | Response> => {
          if (request.method === "HEAD") {
            return Effect.succeed({ answer: Answer.empty(200), cookies: [], result: "head" })
          }
          if (request.method !== "GET") {
            return Effect.map(refuse(new InstallError.InstallMethodNotAllowed()), (reply) => ({
              ...reply,
              answer: { ...reply.answer, headers: [...reply.answer.headers, ["allow", "GET, HEAD"] as const] }
            }))
          }
          return Browser.isPrefetch(request.headers) ? refuse(new InstallError.InstallPrefetched()) : answer(request)
        }).pipe(
          Effect.catchAllCause(() =>
            refuseAndReport(new InstallError.InstallUnexpected({ problem: "an unexpected error occurred" }))
          ),
          (reply) => withDeadline(reply, answerLimit, () => new InstallError.InstallTimeout()),
          Effect.catchAll((late) => Effect.zipRight(Effect.logWarning(late.message), refuse(late))),
          (reply) => Telemetry.observeInstall(step, reply, (reply) => isResponse(reply) ? "response" : reply.result),
          Effect.map((reply) =>
            isResponse(reply) ? reply : Answer.toResponse(reply.answer, contentSecurityPolicy, reply.cookies)
          )
        )

    const begin = handler("begin", answerBegin)
    const callback = handler("callback", answerCallback)

    const handle = (request: Request): Effect.Effect<Response> => {
      const place = canonicalPath(new URL(request.url).pathname)
      if (place !== undefined && installPlaces.includes(place)) return begin(request)
      if (place !== undefined && callbackPlaces.includes(place)) return callback(request)
      return Effect.succeed(Answer.toResponse(Answer.page(404, DefaultPages.notFound()), contentSecurityPolicy, []))
    }

    return { installPath, callbackPath, installUrl, redirectUri, begin, callback, handle }
  })

/**
 * Makes a flow.
 *
 * What is wrong with the settings (a public URL that is neither https nor loopback, no scopes) is an error here, so
 * that a server with a broken install does not start.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: {
  <M, I, R1 = never, R2 = never, R3 = never>(
    options: Options<M, R1, R2> & WithMetadata<M, I, R3>
  ): Effect.Effect<
    Service,
    ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
    Requirements | Scope.Scope | R1 | R2 | R3
  >
  <R1 = never, R2 = never, R3 = never>(
    options: Options<void, R1, R2> & WithoutMetadata<R3>
  ): Effect.Effect<
    Service,
    ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
    Requirements | Scope.Scope | R1 | R2 | R3
  >
} = makeAny

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
export const layer: {
  <M, I, R1 = never, R2 = never, R3 = never>(
    options: Options<M, R1, R2> & WithMetadata<M, I, R3>
  ): Layer.Layer<
    InstallFlow,
    ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
    Requirements | Exclude<R1 | R2 | R3, Scope.Scope>
  >
  <R1 = never, R2 = never, R3 = never>(
    options: Options<void, R1, R2> & WithoutMetadata<R3>
  ): Layer.Layer<
    InstallFlow,
    ConfigError.ConfigError | AuthorizeUrl.AuthorizeUrlError,
    Requirements | Exclude<R1 | R2 | R3, Scope.Scope>
  >
} = <M, R1, R2, R3>(options: AnyOptions<M, R1, R2, R3>) => Layer.scoped(InstallFlow, makeAny(options)) as any

// -------------------------------------------------------------------------------------
// serving it
// -------------------------------------------------------------------------------------

/** How long a layer may take to be built, and to be released after it could not be built. */
const buildLimit = Duration.seconds(30)

/** For who comes while there is no flow: the layer cannot be built, or is disposed of. */
const unavailable = Effect.map(
  Effect.promise(DefaultPages.contentSecurityPolicy),
  (contentSecurityPolicy) => {
    const page = Answer.page(503, DefaultPages.unavailable())
    const headers = [...page.headers, ["retry-after", "5"] as const]
    return Answer.toResponse({ ...page, headers }, contentSecurityPolicy, [])
  }
)

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
} => {
  let current: ManagedRuntime.ManagedRuntime<InstallFlow, E> | undefined
  let disposed = false

  /** One failed build is forgotten once, however many requests have waited for it. */
  const forget = (runtime: ManagedRuntime.ManagedRuntime<InstallFlow, E>, cause: Cause.Cause<unknown>) =>
    Effect.suspend(() => {
      if (current !== runtime || disposed) return Effect.void
      current = undefined
      return Effect.zipRight(
        Effect.logError("The layer of the install flow cannot be built; the next request tries again", cause),
        Effect.ignore(withDeadline(runtime.disposeEffect, buildLimit, () => "late"))
      )
    })

  const answer = (request: Request): Effect.Effect<Response> =>
    Effect.suspend(() => {
      if (disposed) return unavailable
      const runtime = current ??= ManagedRuntime.make(layer)
      return withDeadline(runtime.runtimeEffect, buildLimit, () => "it took longer than 30 seconds").pipe(
        Effect.matchCauseEffect({
          onFailure: (cause) => Effect.zipRight(forget(runtime, cause), unavailable),
          onSuccess: (built) => Effect.provide(Effect.flatMap(InstallFlow, ({ handle }) => handle(request)), built)
        })
      )
    })

  return {
    // oxlint-disable-next-line no-restricted-properties -- a web handler is where an Effect program meets another
    handler: (request) => Effect.runPromise(answer(request)),
    dispose: () => {
      disposed = true
      return current === undefined ? Promise.resolve() : current.dispose()
    }
  }
}
