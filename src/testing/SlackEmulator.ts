/**
 * Slack's OAuth side with a memory, for tests and demos without a workspace: the consent page, authorization codes,
 * token rotation, PKCE, `oauth.v2.exchange`, and faults on demand.
 *
 * There are two ways to reach it, with the same rules: {@link layerHttpClient} is an `HttpClient` in memory, and
 * {@link serve} answers on an `HttpServer`. Time is Effect's `Clock` and randomness Effect's `Random`: with `TestClock`
 * twelve hours pass at once, and two runs with the same seed give the same tokens.
 *
 * `docs/emulator.md` is its guide for tests, `docs/emulator-server.md` for servers. `docs/emulator-rules.md` has its rules,
 * and what it does not do.
 *
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpServer from "@effect/platform/HttpServer"
import * as Clock from "effect/Clock"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as InstallationStore from "../InstallationStore.js"
import type * as InstallFlow from "../InstallFlow.js"
import { address, withoutSpans } from "../internal/effect/servers.js"
import { heard } from "../internal/effect/streams.js"
import * as Browser from "../internal/emulator/browser.js"
import { checkInjection } from "../internal/emulator/checks.js"
import * as Client from "../internal/emulator/client.js"
import * as Control from "../internal/emulator/control.js"
import * as Sending from "../internal/emulator/delivery.js"
import type * as Faults from "../internal/emulator/faults.js"
import { findApp, found } from "../internal/emulator/finding.js"
import * as Handler from "../internal/emulator/handler.js"
import * as Handlers from "../internal/emulator/handlers.js"
import * as History from "../internal/emulator/history.js"
import * as People from "../internal/emulator/people.js"
import * as Seed from "../internal/emulator/seed.js"
import * as Server from "../internal/emulator/server.js"
import * as Turn from "../internal/emulator/turn.js"
import * as Views from "../internal/emulator/views.js"
import * as SlackApp from "../SlackApp.js"
import { MovableClock } from "./MovableClock.js"
import * as SlackEmulatorFault from "./SlackEmulatorFault.js"
import type {
  App,
  AppOptions,
  AuthorizeRefused,
  AuthorizeRequest,
  Call,
  Callback,
  Chain,
  Delivery,
  EventRequest,
  Injection,
  InstallationQuery,
  Installed,
  LegacyTokenRequest,
  Options,
  OrganizationOptions,
  Outcome,
  PendingFault,
  PersonOptions,
  Replay,
  Request,
  WorkspaceOptions
} from "./SlackEmulatorModel.js"

/**
 * The faults that {@link inject} takes.
 *
 * @since 0.1.0
 */
export * from "./SlackEmulatorFault.js"

/**
 * The options, requests and results of the functions below.
 *
 * @since 0.1.0
 */
export * from "./SlackEmulatorModel.js"

// -------------------------------------------------------------------------------------
// the service
// -------------------------------------------------------------------------------------

/**
 * The functions of an emulator. The functions of this module have the same names, and a description each.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  readonly app: App
  readonly apps: Effect.Effect<ReadonlyArray<App>>

  readonly authorize: (request?: AuthorizeRequest) => Effect.Effect<Callback, AuthorizeRefused>
  readonly cancel: (request?: AuthorizeRequest) => Effect.Effect<{ readonly url: string }, AuthorizeRefused>
  readonly issueLegacyToken: (request?: LegacyTokenRequest) => Effect.Effect<Redacted.Redacted>
  readonly revoke: (token: string | Redacted.Redacted) => Effect.Effect<void>
  readonly uninstall: (query?: InstallationQuery) => Effect.Effect<void>
  readonly deactivate: (id: string) => Effect.Effect<void>
  readonly enableRotation: (clientId?: string) => Effect.Effect<void>
  readonly enablePkce: (clientId?: string) => Effect.Effect<void>
  readonly addApp: (options?: AppOptions) => Effect.Effect<App>
  readonly addOrganization: (options?: OrganizationOptions) => Effect.Effect<{ readonly id: string }>
  readonly addWorkspace: (options?: WorkspaceOptions) => Effect.Effect<{ readonly id: string }>
  readonly addPerson: (options?: PersonOptions) => Effect.Effect<{ readonly id: string }>

  readonly send: (request: EventRequest) => Effect.Effect<Delivery>

  readonly restart: Effect.Effect<void>

  readonly inject: (injection: Injection) => Effect.Effect<void>
  readonly clearFaults: Effect.Effect<void>
  readonly faults: Effect.Effect<ReadonlyArray<PendingFault>>

  readonly calls: Effect.Effect<ReadonlyArray<Call>>
  readonly chains: Effect.Effect<ReadonlyArray<Chain>>
  readonly replays: Effect.Effect<ReadonlyArray<Replay>>
  readonly events: Effect.Effect<ReadonlyArray<Delivery>>
  readonly timeline: Effect.Effect<string>
  readonly follow: Stream.Stream<string>

  /** Answers a request. {@link layerHttpClient} and {@link serve} use it. */
  readonly handle: <E, R>(request: Request<E, R>) => Effect.Effect<Outcome, E, R>
}

/**
 * An emulated Slack.
 *
 * @since 0.1.0
 * @category tags
 */
export class SlackEmulator extends Context.Tag("effect-slack-oauth/SlackEmulator")<SlackEmulator, Service>() {}

const isMany = <A>(value: A | ReadonlyArray<A>): value is ReadonlyArray<A> => Array.isArray(value)

const toInjection = ({ fault, method, share, times }: Injection): Faults.Injection => ({
  fault: isMany(fault) ? SlackEmulatorFault.all(...fault) : fault,
  methods: method === undefined || isMany(method) ? method : [method],
  share: share ?? 1,
  remaining: times ?? (share === undefined ? 1 : Infinity)
})

/**
 * Makes an emulator. It keeps everything in memory. When the scope closes, it stops to deliver events.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (options: Options = {}): Effect.Effect<Service, ConfigError.ConfigError, Scope.Scope> =>
  Effect.gen(function*() {
    const world = yield* Seed.make(options)
    const sender = yield* Sending.make(world)
    const injections: Array<Faults.Injection> = []
    const state = { world, injections, sender, handlers: yield* Handlers.make(options) }
    return SlackEmulator.of({
      app: Views.app(findApp(world, undefined)),
      apps: Effect.sync(() => Views.apps(world)),

      authorize: (request) => People.allow(world, request),
      cancel: (request) => People.cancel(world, request),
      issueLegacyToken: (request) => People.issueLegacyToken(world, request),
      revoke: (token) => People.revoke(state, token),
      uninstall: (query) => People.uninstall(state, query),
      deactivate: (id) => People.deactivate(world, id),
      enableRotation: (clientId) => People.enableRotation(world, clientId),
      enablePkce: (clientId) => People.enablePkce(world, clientId),
      addApp: (options) => Effect.sync(() => Views.app(Seed.addApp(world, options))),
      addOrganization: (options) => Effect.sync(() => ({ id: Seed.addOrganization(world, options).id })),
      addWorkspace: (options) => Effect.sync(() => ({ id: Seed.addWorkspace(world, options).id })),
      addPerson: (options) => Effect.sync(() => ({ id: Seed.addPerson(world, options).id })),
      send: (request) => Effect.map(People.send(state, request), Views.delivery),

      restart: Effect.flatMap(Turn.next, (turn) => {
        injections.splice(0)
        Seed.restart(world, turn, options)
        return sender.clear()
      }),

      inject: (injection) =>
        Effect.sync(() => {
          const added = toInjection(injection)
          checkInjection(added)
          injections.push(added)
        }),
      clearFaults: Effect.sync(() => void injections.splice(0)),
      faults: Effect.sync(() => injections.map(Views.fault)),

      calls: Effect.sync(() => Views.calls(world)),
      chains: Effect.map(Clock.currentTimeMillis, (now) => Views.chains(world, now)),
      replays: Effect.sync(() => Views.replays(world)),
      events: Effect.sync(() => sender.deliveries.map(Views.delivery)),
      timeline: Effect.sync(() => History.render(world.history)),
      follow: Stream.map(
        heard<History.Event>((listener) => History.listen(world.history, listener)),
        (event) => History.line(world.history, event)
      ),

      handle: Handler.handle(state)
    })
  })

// -------------------------------------------------------------------------------------
// layers
// -------------------------------------------------------------------------------------

/**
 * An emulator. With no options it has one app, one workspace and one person.
 *
 * @example
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { OAuthV2 } from "effect-slack-oauth"
 * import { SlackEmulator } from "effect-slack-oauth/testing"
 *
 * const program = Effect.gen(function*() {
 *   const { code } = yield* SlackEmulator.authorize({ scopes: ["chat:write"] })
 *   const response = yield* OAuthV2.access({ code })
 *   return response.target._tag
 * })
 *
 * const TestLive = OAuthV2.layer.pipe(
 *   Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
 *   Layer.provideMerge(SlackEmulator.layer())
 * )
 *
 * program.pipe(Effect.provide(TestLive), Effect.runPromise).then(console.log) // "Workspace"
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (options?: Options): Layer.Layer<SlackEmulator, ConfigError.ConfigError> =>
  Layer.scoped(SlackEmulator, make(options))

/**
 * The `SlackApp` of an app in the emulator: the first one, or the one with the given client id. An app with PKCE is a
 * public client, without its secret, unless `secret` is true.
 *
 * In memory every base URL works. If the emulator is served, use {@link layerSlackAppServed}: its base URL is the
 * server's address.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSlackApp = (options: {
  readonly clientId?: string | undefined
  readonly baseUrl?: string | URL | undefined
  readonly secret?: boolean | undefined
} = {}): Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError, SlackEmulator> =>
  Layer.effect(
    SlackApp.SlackApp,
    Effect.gen(function*() {
      const emulator = yield* SlackEmulator
      const apps = yield* emulator.apps
      const app = found(
        options.clientId === undefined ? apps[0] : apps.find(({ clientId }) => clientId === options.clientId),
        `app ${options.clientId ?? ""}`
      )
      return yield* SlackApp.make({
        clientId: app.clientId,
        clientSecret: options.secret ?? !app.pkce ? app.clientSecret : undefined,
        // A seed may have an id that Slack would not have issued, which `SlackApp` refuses.
        appId: /^A[A-Z\d]+$/.test(app.id) ? app.id : undefined,
        signingSecret: app.signingSecret,
        baseUrl: options.baseUrl
      })
    })
  )

/**
 * The `SlackApp` of an app in the emulator, with the address of the `HttpServer` in the context as base URL.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerSlackAppServed = (options: {
  readonly clientId?: string | undefined
  readonly secret?: boolean | undefined
} = {}): Layer.Layer<SlackApp.SlackApp, ConfigError.ConfigError, SlackEmulator | HttpServer.HttpServer> =>
  Layer.unwrapEffect(
    Effect.map(Server.url, (baseUrl) => layerSlackApp({ ...options, baseUrl }))
  )

/**
 * An `HttpClient` that reaches the emulator without a socket, whatever host the URL has.
 *
 * @since 0.1.0
 * @category layers
 */
export const layerHttpClient: Layer.Layer<HttpClient.HttpClient, never, SlackEmulator> = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(SlackEmulator, ({ handle }) => Client.make(handle))
)

/**
 * Serves the emulator with the `HttpServer` in the context. It answers only clients on this machine, unless
 * `anyone` is true: then every client that reaches it can take tokens from it.
 *
 * With `control`, programs on this machine can do over HTTP what the functions of this module do, in JSON: see
 * `/control/openapi.json` and `docs/emulator-server.md`. `/control` is an overview for people. Only this machine can reach them,
 * also if `anyone` is true. Moving the clock needs a `MovableClock`, under which the server and the emulator run.
 *
 * @since 0.1.0
 * @category layers
 */
export const serve = (
  options: { readonly anyone?: boolean | undefined; readonly control?: boolean | undefined } = {}
): Layer.Layer<never, never, SlackEmulator | HttpServer.HttpServer> =>
  Layer.unwrapScoped(Effect.gen(function*() {
    const emulator = yield* SlackEmulator
    const clock = yield* Effect.serviceOption(MovableClock)
    const control = options.control === true ? yield* Control.make(emulator, clock) : undefined
    const unixSocket = (yield* address) === undefined
    return HttpServer.serve(Server.app(emulator.handle, { anyone: options.anyone ?? false, unixSocket, control }))
  })).pipe(withoutSpans)

// -------------------------------------------------------------------------------------
// the service's functions
// -------------------------------------------------------------------------------------

/**
 * The first app, which tests and demos use by default.
 *
 * @since 0.1.0
 * @category asking
 */
export const app: Effect.Effect<App, never, SlackEmulator> = Effect.map(SlackEmulator, (emulator) => emulator.app)

/**
 * All apps, as they are now.
 *
 * @since 0.1.0
 * @category asking
 */
export const apps: Effect.Effect<ReadonlyArray<App>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.apps
)

/**
 * A person clicks Allow. Returns what the app's redirect URI receives, without a browser.
 *
 * @since 0.1.0
 * @category people
 */
export const authorize = (request?: AuthorizeRequest): Effect.Effect<Callback, AuthorizeRefused, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.authorize(request))

/**
 * A person clicks Cancel. Returns the URL that Slack redirects the browser to.
 *
 * @since 0.1.0
 * @category people
 */
export const cancel = (
  request?: AuthorizeRequest
): Effect.Effect<{ readonly url: string }, AuthorizeRefused, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.cancel(request))

/**
 * Installs an app like a person in a browser, in memory: "Add to Slack", Allow, back to the app. The browser keeps cookies,
 * and follows redirects to Slack and to the flow. Returns the flow's last response, and what is now in the store for the
 * workspace or the organization. Fails with `AuthorizeRefused` if Slack would show an error page.
 *
 * The first request is to the flow's install address. Give another one for a query, or for the headers of a person who is
 * signed in: the browser sends them each time. `consent` says who clicks, and where.
 *
 * @example
 * ```ts
 * import { Effect, Layer, Option } from "effect"
 * import { Installation, InstallationStore, InstallFlow, OAuthV2, PendingInstall } from "effect-slack-oauth"
 * import { SlackEmulator } from "effect-slack-oauth/testing"
 *
 * const program = Effect.gen(function*() {
 *   const flow = yield* InstallFlow.make({
 *     publicUrl: "https://example.com",
 *     botScopes: ["chat:write"],
 *     onInstalled: ({ requestedAt, response }) =>
 *       InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))
 *   })
 *   const { installation, response } = yield* SlackEmulator.install(flow)
 *   return [response.status, Option.isSome(installation)]
 * })
 *
 * const TestLive = OAuthV2.layer.pipe(
 *   Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
 *   Layer.provideMerge(SlackEmulator.layer()),
 *   Layer.merge(PendingInstall.layerMemory()),
 *   Layer.merge(InstallationStore.layerMemory)
 * )
 *
 * program.pipe(Effect.scoped, Effect.provide(TestLive), Effect.runPromise).then(console.log) // [ 303, true ]
 * ```
 *
 * @since 0.1.0
 * @category people
 */
export const install = (
  flow: Pick<InstallFlow.Service, "handle" | "installUrl" | "redirectUri">,
  request: globalThis.Request = Browser.beginning(flow),
  consent?: Pick<AuthorizeRequest, "workspace" | "organization" | "person" | "withhold" | "channel">
): Effect.Effect<
  Installed,
  AuthorizeRefused | InstallationStore.InstallationStoreError,
  SlackEmulator | InstallationStore.InstallationStore
> =>
  Effect.gen(function*() {
    const emulator = yield* SlackEmulator
    const { allowed, response } = yield* Browser.visit(
      flow,
      request,
      (url) => emulator.authorize({ ...consent, url })
    )
    const installation = allowed === undefined ? Option.none() : yield* InstallationStore.get(allowed.installation)
    return { response, installation }
  })

/**
 * Issues a long-lived token, as Slack did before the app turned token rotation on. It can be exchanged.
 *
 * @since 0.1.0
 * @category people
 */
export const issueLegacyToken = (
  request?: LegacyTokenRequest
): Effect.Effect<Redacted.Redacted, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.issueLegacyToken(request))

/**
 * Revokes an access or refresh token as `auth.revoke` does: a rotating token alone, and a long-lived token with its
 * whole chain. If the app gets events and its owner has no other token, the app gets `tokens_revoked`.
 *
 * @since 0.1.0
 * @category people
 */
export const revoke = (token: string | Redacted.Redacted): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.revoke(token))

/**
 * Removes an app from a workspace or an organization, and ends all its tokens there. If the app gets events, it gets
 * `tokens_revoked` and `app_uninstalled`, and this waits for the first attempt.
 *
 * @since 0.1.0
 * @category people
 */
export const uninstall = (query?: InstallationQuery): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.uninstall(query))

/**
 * Deactivates a person, a workspace or an organization by id. Their tokens are refused with `account_inactive`.
 *
 * @since 0.1.0
 * @category people
 */
export const deactivate = (id: string): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.deactivate(id))

/**
 * Turns token rotation on for an app: the first one, or the one with the client id. From now on installs give rotating
 * tokens, and long-lived tokens can be exchanged. Rotation cannot be turned off again.
 *
 * @since 0.1.0
 * @category people
 */
export const enableRotation = (clientId?: string): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.enableRotation(clientId))

/**
 * Turns PKCE on for an app: the first one, or the one with the client id. PKCE cannot be turned off again.
 *
 * @since 0.1.0
 * @category people
 */
export const enablePkce = (clientId?: string): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.enablePkce(clientId))

/**
 * Adds an app.
 *
 * @since 0.1.0
 * @category people
 */
export const addApp = (options?: AppOptions): Effect.Effect<App, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addApp(options))

/**
 * Adds an organization.
 *
 * @since 0.1.0
 * @category people
 */
export const addOrganization = (
  options?: OrganizationOptions
): Effect.Effect<{ readonly id: string }, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addOrganization(options))

/**
 * Adds a workspace.
 *
 * @since 0.1.0
 * @category people
 */
export const addWorkspace = (
  options?: WorkspaceOptions
): Effect.Effect<{ readonly id: string }, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addWorkspace(options))

/**
 * Adds a person.
 *
 * @since 0.1.0
 * @category people
 */
export const addPerson = (options?: PersonOptions): Effect.Effect<{ readonly id: string }, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.addPerson(options))

/**
 * Sends an event to an app, as Slack's Events API does, and waits for the first attempt. The app has to have an address for
 * events ({@link AppOptions}).
 *
 * @since 0.1.0
 * @category people
 */
export const send = (request: EventRequest): Effect.Effect<Delivery, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.send(request))

/**
 * Begins again with what the options describe, with all their codes and tokens, and forgets everything else: also the
 * history, the faults, and events that were not delivered yet.
 *
 * @since 0.1.0
 * @category people
 */
export const restart: Effect.Effect<void, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.restart
)

/**
 * Makes calls fail. Each call gets at most one injection: the first that applies to it.
 *
 * @example
 * ```ts
 * import { SlackEmulator } from "effect-slack-oauth/testing"
 *
 * // The next refresh or redemption succeeds at Slack, and its answer is lost.
 * const lostReply = SlackEmulator.inject({
 *   method: "oauth.v2.access",
 *   fault: SlackEmulator.cutAfterStateChange
 * })
 * ```
 *
 * @since 0.1.0
 * @category faults
 */
export const inject = (injection: Injection): Effect.Effect<void, never, SlackEmulator> =>
  Effect.flatMap(SlackEmulator, (emulator) => emulator.inject(injection))

/**
 * Removes the injections that are left.
 *
 * @since 0.1.0
 * @category faults
 */
export const clearFaults: Effect.Effect<void, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.clearFaults
)

/**
 * The injections that are left.
 *
 * @since 0.1.0
 * @category faults
 */
export const faults: Effect.Effect<ReadonlyArray<PendingFault>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.faults
)

/**
 * The calls of the API so far, oldest first.
 *
 * @since 0.1.0
 * @category asking
 */
export const calls: Effect.Effect<ReadonlyArray<Call>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.calls
)

/**
 * All credentials, also those that have ended, oldest first.
 *
 * @since 0.1.0
 * @category asking
 */
export const chains: Effect.Effect<ReadonlyArray<Chain>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.chains
)

/**
 * Each time a single-use code or token was presented again, oldest first.
 *
 * @since 0.1.0
 * @category asking
 */
export const replays: Effect.Effect<ReadonlyArray<Replay>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.replays
)

/**
 * What the apps answered to events: each event and each `url_verification`, oldest first.
 *
 * @since 0.1.0
 * @category asking
 */
export const events: Effect.Effect<ReadonlyArray<Delivery>, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.events
)

/**
 * What happened: one line for each event, without secrets, for the output of a test that failed.
 *
 * @since 0.1.0
 * @category asking
 */
export const timeline: Effect.Effect<string, never, SlackEmulator> = Effect.flatMap(
  SlackEmulator,
  (emulator) => emulator.timeline
)

/**
 * The lines of the {@link timeline} from now on, as a stream.
 *
 * @since 0.1.0
 * @category asking
 */
export const follow: Stream.Stream<string, never, SlackEmulator> = Stream.unwrap(
  Effect.map(SlackEmulator, (emulator) => emulator.follow)
)
