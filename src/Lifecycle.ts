/**
 * The address to which Slack sends events. It verifies that a request comes from Slack, applies `app_uninstalled` (it
 * removes the installation) and `tokens_revoked` (it removes the credentials that it names) to the store, and gives every
 * other event to the application.
 *
 * - {@link webHandler}: a function from web `Request` to web `Response`
 * - {@link layerRoutes}: a route of platform's router
 * - {@link handleRequest}: one request, as an effect
 * - {@link handle}: the body of a request that was verified elsewhere
 *
 * Slack delivers events late, twice, and in any order. So an event removes only what is older than the event: its
 * `event_time` is compared with the time of the install, in one atomic step of the store. An uninstall that arrives after
 * a reinstall changes nothing, and neither does an event that arrives a second time.
 *
 * @see https://docs.slack.dev/reference/events/app_uninstalled
 * @see https://docs.slack.dev/reference/events/tokens_revoked
 * @since 0.1.0
 */
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Installation from "./Installation.js"
import { bounded, InstallationStore, type InstallationStoreError, type Service as Store } from "./InstallationStore.js"
import { withDeadline } from "./internal/deadline.js"
import { decoder, maybe, where } from "./internal/effect/schemas.js"
import * as Address from "./internal/events/address.js"
import * as RecentEvents from "./internal/events/recentEvents.js"
import * as LayerContext from "./internal/layerContext.js"
import { refuse } from "./internal/options.js"
import { parsePath, routePath, standardPaths } from "./internal/publicUrl.js"
import * as Routes from "./internal/routes.js"
import { isStorable } from "./internal/rowId.js"
import * as WebHandler from "./internal/webHandler.js"
import * as SlackApp from "./SlackApp.js"
import type * as SlackRequest from "./SlackRequest.js"

// -------------------------------------------------------------------------------------
// events
// -------------------------------------------------------------------------------------

/** An id that can be part of a key. */
const Id = where(Schema.String, isStorable)

const list = maybe(Schema.Array(Id))

/**
 * The envelope of the Events API around both events, with the fields that are used here.
 *
 * @see https://docs.slack.dev/apis/events-api/#callback-field
 * @since 0.1.0
 * @category schemas
 */
export const Envelope = Schema.Struct({
  type: Schema.Literal("event_callback"),
  api_app_id: where(Id, (id) => id !== ""),
  team_id: maybe(Id),
  enterprise_id: maybe(Id),
  is_enterprise_install: maybe(Schema.Boolean),
  authorizations: maybe(Schema.Array(Schema.Struct({
    team_id: maybe(Id),
    enterprise_id: maybe(Id),
    is_enterprise_install: maybe(Schema.Boolean)
  }))),
  /** Seconds since 1970. */
  event_time: where(Schema.Int, (seconds) => seconds >= 0 && seconds <= 8_640_000_000_000),
  event: Schema.Union(
    Schema.Struct({ type: Schema.Literal("app_uninstalled") }),
    Schema.Struct({
      type: Schema.Literal("tokens_revoked"),
      /** Ids of people and of bots; Slack does not say which tokens they were. */
      tokens: Schema.Struct({ oauth: list, bot: list })
    })
  )
})

/**
 * The envelope of the Events API around both events.
 *
 * @since 0.1.0
 * @category models
 */
export type Envelope = typeof Envelope.Type

/**
 * The event does not have the form that Slack documents. `paths` says where, and never contains a value. If `paths` is
 * empty, the body is not a JSON object: it may be text that was not parsed.
 *
 * @since 0.1.0
 * @category errors
 */
export class LifecycleMalformedEvent extends Schema.TaggedError<LifecycleMalformedEvent>()("LifecycleMalformedEvent", {
  event: Schema.String,
  paths: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.paths.length === 0
      ? "The body of the event is not a JSON object. Parse the body of the request as JSON first."
      : `The ${this.event} event does not have the form that Slack documents. Look at ${this.paths.join(", ")}.`
  }
}

/**
 * What an event changed.
 *
 * - `Removed`: these credentials, or the whole installation, were removed
 * - `Unchanged`: nothing that is older than the event is stored: the event is late or repeated, or not about an
 *   installation here
 * - `NotOurs`: the event is of another type, and the store was not asked
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Data.TaggedEnum<{
  Removed: {
    readonly installation: Installation.InstallationKey
    /** Empty if the whole installation was removed. */
    readonly credentials: ReadonlyArray<Installation.CredentialKey>
  }
  Unchanged: { readonly installation: Installation.InstallationKey }
  NotOurs: {}
}>

/**
 * Makes and matches an {@link Outcome}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Outcome = Data.taggedEnum<Outcome>()

// -------------------------------------------------------------------------------------
// reading
// -------------------------------------------------------------------------------------

const Headline = Schema.Struct({
  type: Schema.Literal("event_callback"),
  event: Schema.Struct({ type: Schema.Literal("app_uninstalled", "tokens_revoked") })
})

const readHeadline = Schema.decodeUnknownOption(Headline)

const readEnvelope = decoder(Envelope)

/** The installation that an event belongs to: that of the first authorization, or of the envelope if there is none. */
const keyOf = (envelope: Envelope): Option.Option<Installation.InstallationKey> => {
  const place = envelope.authorizations?.[0] ?? envelope
  const isOrganization = typeof place.team_id === "string" && place.team_id === place.enterprise_id
  const organization = place.is_enterprise_install === true || isOrganization
  const id = organization ? place.enterprise_id ?? envelope.enterprise_id : place.team_id ?? envelope.team_id
  return id === null || id === undefined || id === ""
    ? Option.none()
    : Option.some(
      organization
        ? Installation.organization(envelope.api_app_id, id)
        : Installation.workspace(envelope.api_app_id, id)
    )
}

interface Reading {
  readonly key: Installation.InstallationKey
  readonly at: DateTime.Utc
  /** The credentials to remove; `None` for the whole installation. */
  readonly credentials: Option.Option<ReadonlyArray<Installation.CredentialKey>>
}

/** Excludes text, bytes, arrays, `Request`s and promises. */
const isPlainObject = (body: unknown): boolean => Object.prototype.toString.call(body) === "[object Object]"

const read = (body: unknown): Either.Either<Option.Option<Reading>, LifecycleMalformedEvent> => {
  if (!isPlainObject(body)) return Either.left(new LifecycleMalformedEvent({ event: "unknown", paths: [] }))
  const headline = readHeadline(body)
  if (Option.isNone(headline)) return Either.right(Option.none())
  const event = headline.value.event.type
  const malformed = (paths: ReadonlyArray<string>) => Either.left(new LifecycleMalformedEvent({ event, paths }))

  const envelope = readEnvelope(body)
  if (Either.isLeft(envelope)) return malformed(envelope.left)
  const key = keyOf(envelope.right)
  if (Option.isNone(key)) return malformed(["team_id"])
  const { event: detail, event_time: seconds } = envelope.right
  return Either.right(Option.some({
    key: key.value,
    at: DateTime.unsafeMake(seconds * 1000),
    credentials: detail.type === "app_uninstalled"
      ? Option.none()
      : Option.some([
        ...(detail.tokens.bot ?? []).slice(0, 1).map(() => Installation.botKey(key.value)),
        ...(detail.tokens.oauth ?? []).map((userId) => Installation.userKey(key.value, userId))
      ])
  }))
}

// -------------------------------------------------------------------------------------
// applying
// -------------------------------------------------------------------------------------

/**
 * Applies the body of an Events API request to the store. Check Slack's signature first: this function does not.
 *
 * It accepts events of every type; those of other types are `NotOurs`. Answer the request with 200 after any outcome, and
 * with 5xx after an `InstallationStoreError`, so that Slack sends the event again.
 *
 * `event_time` has whole seconds of Slack's clock. It is compared with this machine's clock at the install, so this clock
 * has to be right (NTP). An event in the same second as the install changes nothing. If the credential was revoked, the
 * next call with it shows that.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { InstallationStore, Lifecycle } from "effect-slack-oauth"
 *
 * const program = Lifecycle.handle({
 *   type: "event_callback",
 *   api_app_id: "A0EXAMPLE",
 *   team_id: "T0EXAMPLE",
 *   event_time: 1767225600,
 *   event: { type: "app_uninstalled" }
 * })
 *
 * Effect.runPromise(Effect.provide(program, InstallationStore.layerMemory)).then(({ _tag }) => console.log(_tag)) // "Unchanged"
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const handle = (
  body: unknown
): Effect.Effect<Outcome, LifecycleMalformedEvent | InstallationStoreError, InstallationStore> =>
  Effect.gen(function*() {
    const reading = yield* read(body)
    if (Option.isNone(reading)) return Outcome.NotOurs()
    const { at, credentials, key } = reading.value
    const store = bounded(yield* InstallationStore)

    if (Option.isNone(credentials)) {
      return (yield* store.remove(key, { installedBefore: at }))
        ? Outcome.Removed({ installation: key, credentials: [] })
        : Outcome.Unchanged({ installation: key })
    }
    const removed = yield* Effect.filter(
      credentials.value,
      (credential) => store.removeCredential(credential, { issuedBefore: at })
    )
    return removed.length > 0
      ? Outcome.Removed({ installation: key, credentials: removed })
      : Outcome.Unchanged({ installation: key })
  })

// -------------------------------------------------------------------------------------
// the event address
// -------------------------------------------------------------------------------------

/**
 * An event for the application. The fields that most events have are texts, or `undefined` if the event has none. All
 * fields are in `event`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Event {
  /** The type of the event, such as `app_mention`. */
  readonly type: string
  /** Slack's id of the event (`Ev…`). A repetition has the same id. */
  readonly id: string | undefined
  /** Where the event happened, for `TokenManager.botTokenFor` and `InstallationStore.resolve`. */
  readonly place: Installation.Place & { readonly appId: string }
  readonly channel: string | undefined
  readonly user: string | undefined
  readonly text: string | undefined
  readonly ts: string | undefined
  readonly threadTs: string | undefined
  /** The event as Slack sent it. */
  readonly event: Readonly<Record<string, unknown>>
  /** The whole body of the request. */
  readonly envelope: Readonly<Record<string, unknown>>
  /** How often Slack has sent the event before. */
  readonly attempt: number
}

/**
 * The options of an event address.
 *
 * @since 0.1.0
 * @category options
 */
export interface EventOptions<R = never> extends SlackRequest.Options {
  /**
   * Handles every event but `app_uninstalled` and `tokens_revoked`. It runs with the services of the layer, in a scope
   * that closes after it, for five minutes at most. If it fails before the answer, Slack gets 500 and sends the event
   * again. After the answer, a failure is logged, and Slack does not send the event again.
   */
  readonly onEvent?: ((event: Event) => Effect.Effect<unknown, unknown, R>) | undefined
  /**
   * How long an answer waits for `onEvent`; 2.5 seconds by default, because Slack waits for 3. After that Slack gets 200,
   * and `onEvent` continues. With 0, Slack gets 200 at once. A host that stops the process after the answer needs
   * `Infinity`, or its own way to continue.
   */
  readonly acknowledgeAfter?: Duration.DurationInput | undefined
  /** How long an event is remembered, so that a repetition is not handled again; 10 minutes by default. */
  readonly duplicateWindow?: Duration.DurationInput | undefined
}

/**
 * The options of {@link layerRoutes}.
 *
 * @since 0.1.0
 * @category options
 */
export interface RouteOptions<R = never> extends EventOptions<R> {
  /** The path of the address; `/slack/events` by default. */
  readonly path?: `/${string}` | undefined
}

/** The recent events of {@link handleRequest}, which has no layer: one memory for each store. */
const memories = new WeakMap<Store, RecentEvents.RecentEvents>()

const memoryOf = (store: Store): RecentEvents.RecentEvents => {
  const known = memories.get(store)
  if (known !== undefined) return known
  const recent = RecentEvents.make()
  memories.set(store, recent)
  return recent
}

/** What an address works with. */
const partsOf = <R>(
  options: EventOptions<R>,
  recent: RecentEvents.RecentEvents,
  fork: Address.Parts<Exclude<R, Scope.Scope>>["fork"]
) =>
  Effect.gen(function*() {
    const app = yield* SlackApp.SlackApp
    const store = yield* InstallationStore
    const { onEvent } = options
    const parts: Address.Parts<Exclude<R, Scope.Scope>> = {
      verifying: options,
      onEvent: onEvent && ((event) => Effect.scoped(Effect.suspend(() => onEvent(event)))),
      settings: yield* Address.settingsOf(options, app),
      app,
      store,
      recent,
      handle,
      fork
    }
    return parts
  })

/**
 * Answers a request to the event address:
 *
 * | request | answer |
 * | --- | --- |
 * | not a `POST` | 405 |
 * | not signed by Slack | 401; 413 if it is too large |
 * | not a JSON object | 400 |
 * | `url_verification` | 200 with the challenge |
 * | `app_uninstalled`, `tokens_revoked` | 200 after the store was changed; 503 if the store fails or is late, so that Slack repeats the event |
 * | another event | 200 when `onEvent` has ended, or after `acknowledgeAfter`; 500 if it fails before |
 * | an event that came before | the answer to the first one, without running it again |
 *
 * An event continues if the request is interrupted. {@link webHandler} and {@link layerRoutes} also wait for events that
 * run when they close; this effect starts them in the background.
 *
 * @since 0.1.0
 * @category serving
 */
export const handleRequest = <R = never>(
  request: Request,
  options: EventOptions<R> = {}
): Effect.Effect<Response, never, SlackApp.SlackApp | InstallationStore | Exclude<R, Scope.Scope>> =>
  Effect.gen(function*() {
    const { fork } = yield* LayerContext.make<Exclude<R, Scope.Scope>>()
    const store = yield* InstallationStore
    return yield* Address.answer(yield* partsOf(options, memoryOf(store), fork), request)
  }).pipe(
    // An option or the app's settings cannot be used.
    Effect.catchAll((error) => Effect.zipRight(Effect.logError(String(error)), Address.unavailable))
  )

/**
 * An event address. Its function answers every request and never fails.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly handleRequest: (request: Request) => Effect.Effect<Response>
}

/**
 * The event address of an app.
 *
 * @since 0.1.0
 * @category tags
 */
export class Lifecycle extends Context.Tag("effect-slack-oauth/Lifecycle")<Lifecycle, Service>() {}

/** How long a closing layer waits for events that run. */
const closingLimit = Duration.seconds(30)

/**
 * Makes an event address. It remembers which events it has handled. When its scope closes, it answers new events with 503,
 * and waits up to 30 seconds for those that run. Fails if an option cannot be used, or if the app has no signing secret.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = <R = never>(
  options: EventOptions<R> = {}
): Effect.Effect<
  Service,
  ConfigError.ConfigError,
  SlackApp.SlackApp | InstallationStore | Exclude<R, Scope.Scope> | Scope.Scope
> =>
  Effect.gen(function*() {
    const context = yield* LayerContext.make<Exclude<R, Scope.Scope>>()
    const recent = RecentEvents.make()
    const scope = yield* Scope.make(ExecutionStrategy.parallel)
    const parts = yield* partsOf<R>(options, recent, (effect) => context.fork(effect, scope))
    yield* Effect.addFinalizer((exit) => {
      const late = Effect.logError("The event address is closing, and events under way did not finish")
      return Effect.zipRight(
        Effect.catchAll(withDeadline(recent.close, closingLimit, () => "late"), () => late),
        Scope.close(scope, exit)
      )
    })
    return { handleRequest: (request) => Address.answer(parts, request) }
  })

/**
 * The event address as a function from web `Request` to web `Response`, for servers that are not Effect programs: Next.js,
 * Bun, Deno, Workers, Express. The layer has the app, the store, and what `onEvent` needs.
 *
 * The first request builds the layer. If this fails or takes longer than 30 seconds, the reason is logged, the request
 * gets 503, and the next request builds the layer again. `dispose` waits for events that run, and then releases the layer.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { InstallationStore, Lifecycle, SlackApp } from "effect-slack-oauth"
 *
 * const { handler } = Lifecycle.webHandler(Layer.merge(SlackApp.layerConfig, InstallationStore.layerMemory), {
 *   onEvent: ({ place, type }) => Effect.log(type, place.teamId)
 * })
 * ```
 *
 * @since 0.1.0
 * @category serving
 */
export const webHandler = <E, R = never>(
  layer: Layer.Layer<SlackApp.SlackApp | InstallationStore | Exclude<R, Scope.Scope>, E>,
  options: EventOptions<R> = {}
): {
  readonly handler: (request: Request) => Promise<Response>
  readonly dispose: () => Promise<void>
} =>
  WebHandler.make(Layer.provide(Layer.scoped(Lifecycle, make(options)), layer), {
    tag: Lifecycle,
    name: "the event address",
    handle: ({ handleRequest }, request) => handleRequest(request),
    unavailable: Address.unavailable
  })

/**
 * Adds the event address to the `HttpLayerRouter` in the context. Fails if an option cannot be used, or if the app has no
 * signing secret.
 *
 * @since 0.1.0
 * @category serving
 */
export const layerRoutes = <R = never>(
  options: RouteOptions<R> = {}
): Layer.Layer<
  never,
  ConfigError.ConfigError,
  HttpLayerRouter.HttpRouter | SlackApp.SlackApp | InstallationStore | Exclude<R, Scope.Scope>
> =>
  HttpLayerRouter.use((router) =>
    Effect.gen(function*() {
      const path = parsePath(options.path ?? standardPaths.events)
      if (!path.ok) return yield* refuse("path", `The path cannot be used: ${path.problem}`)
      const { handleRequest } = yield* make(options)
      const handler = Routes.toRoute(`http://localhost${path.path}`, handleRequest)
      yield* router.add("POST", routePath(path.path), handler)
    })
  )
