/**
 * Tokens that are always fresh: a caller gets a token that is valid now, or a typed error that says why there is none. It
 * never gets an expired token.
 *
 * A token that is not about to expire is served from memory. A token that is about to expire is refreshed once, by one
 * fiber of one process. Concurrent callers get its result. While Slack is down, a valid token is still served.
 *
 * `docs/token-rotation.md` says what is promised. `docs/token-protocol.md` has the states of a credential, and what a crash
 * in each of them leaves behind. `docs/architecture.md` follows a token through the code.
 *
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 */
import type * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import type * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import * as InstallationStore from "./InstallationStore.js"
import { withTokens } from "./internal/authorized.js"
import * as Closing from "./internal/closing.js"
import * as CredentialCache from "./internal/credentialCache.js"
import { onRefused, type Refusal } from "./internal/credentialState.js"
import * as FreshTokens from "./internal/freshTokens.js"
import * as HeardChanges from "./internal/heardChanges.js"
import * as LayerContext from "./internal/layerContext.js"
import * as LeaseTime from "./internal/leaseTime.js"
import { refreshTokenLifetimeOf, settingsOf } from "./internal/managerSettings.js"
import * as Places from "./internal/places.js"
import { reveal } from "./internal/reveal.js"
import { credentialRowId, userSubject } from "./internal/rowId.js"
import * as Telemetry from "./internal/telemetry.js"
import * as TokenEvents from "./internal/tokenEvents.js"
import * as OAuthV2 from "./OAuthV2.js"
import * as OAuthV2Error from "./OAuthV2Error.js"
import * as SlackApp from "./SlackApp.js"

// -------------------------------------------------------------------------------------
// errors
// -------------------------------------------------------------------------------------

/**
 * There is no such credential: the app is not installed there, or the person has not given it a token.
 *
 * @since 0.1.0
 * @category errors
 */
export class NotInstalled extends Schema.TaggedError<NotInstalled>("effect-slack-oauth/NotInstalled")("NotInstalled", {
  key: Installation.CredentialKey
}) {
  override get message(): string {
    const { installation } = this.key
    if (installation.appId === "") return "The place names no app: set SLACK_APP_ID, or give it an appId."
    return (installation._tag === "Workspace" ? installation.teamId : installation.enterpriseId) === ""
      ? "The place names neither a workspace nor an organization."
      : `${this.key}: there is no such credential. Have the app installed there.`
  }
}

/**
 * The credential is dead, and only a new install helps. `error` has the code for which it was marked dead: Slack's, the one
 * that was given to `invalidate`, or `token_expired` if the token has ended and there is no refresh token.
 *
 * @since 0.1.0
 * @category errors
 */
export class ReauthorizationRequired
  extends Schema.TaggedError<ReauthorizationRequired>("effect-slack-oauth/ReauthorizationRequired")(
    "ReauthorizationRequired",
    {
      key: Installation.CredentialKey,
      since: Schema.DateTimeUtc,
      error: OAuthV2Error.AccessError
    }
  )
{
  override get message(): string {
    return `${this.key}: the credential is dead since ${
      DateTime.formatIso(this.since)
    } (${this.error.code}). Have the app installed again.`
  }
}

/**
 * Another process is refreshing the credential, and has not finished within two lease times. That process is paused, or
 * several processes took the lease and did not finish.
 *
 * @since 0.1.0
 * @category errors
 */
export class CredentialBusy extends Schema.TaggedError<CredentialBusy>("effect-slack-oauth/CredentialBusy")(
  "CredentialBusy",
  {
    /** How long this process has waited for the other one. */
    waited: Schema.DurationFromMillis
  }
) {
  override get message(): string {
    return `Another process has been refreshing this credential for ${
      Duration.format(this.waited)
    }. Ask again later; if this goes on, look at the other processes that use the store.`
  }
}

/**
 * This process could not refresh the credential within two lease times: each time it had the lease, a third of the lease
 * time was over before it could call Slack. Nothing was sent.
 *
 * @since 0.1.0
 * @category errors
 */
export class LeaseTooShort extends Schema.TaggedError<LeaseTooShort>("effect-slack-oauth/LeaseTooShort")(
  "LeaseTooShort",
  {
    /** How long this process has tried. */
    waited: Schema.DurationFromMillis
  }
) {
  override get message(): string {
    return `For ${
      Duration.format(this.waited)
    }, this process was too slow to call Slack before a third of its lease was over. Ask again later; if this goes on, find out what stops the process, or set a longer leaseDuration.`
  }
}

/**
 * There is no valid token now, and there may be one later. `error` says why: Slack or the store failed, another process
 * has not finished, or this one is too slow. Nothing is lost.
 *
 * @since 0.1.0
 * @category errors
 */
export class TokenUnavailable
  extends Schema.TaggedError<TokenUnavailable>("effect-slack-oauth/TokenUnavailable")("TokenUnavailable", {
    key: Installation.CredentialKey,
    error: Schema.Union(
      OAuthV2Error.AccessError,
      InstallationStore.InstallationStoreError,
      CredentialBusy,
      LeaseTooShort
    ),
    /** How long to wait before it makes sense to ask again. */
    retryAfter: Schema.DurationFromMillis
  })
{
  override get message(): string {
    return `${this.key}: there is no valid token at the moment. Ask again in ${
      Duration.format(this.retryAfter)
    }. ${this.error.message}`
  }
}

/**
 * Why there is no token.
 *
 * @since 0.1.0
 * @category errors
 */
export type TokenError = NotInstalled | ReauthorizationRequired | TokenUnavailable

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * What happens to credentials, for logs, dashboards, and for asking people to install again.
 *
 * - `Refreshed`: the next token is stored
 * - `Unsaved`: Slack gave the next token, and the store did not save it. It is served from memory and saved later
 * - `ServingStale`: a refresh failed. The old token is served until `expiresAt`
 * - `ReauthorizationNeeded`: the credential is dead
 * - `RefreshTokenExpiring`: the refresh token expires at `expiresAt`, unless a refresh succeeds before
 *
 * @since 0.1.0
 * @category models
 */
export type Event = Data.TaggedEnum<{
  Refreshed: { readonly key: Installation.CredentialKey; readonly generation: number }
  Unsaved: { readonly key: Installation.CredentialKey; readonly error: InstallationStore.InstallationStoreError }
  ServingStale: {
    readonly key: Installation.CredentialKey
    readonly expiresAt: DateTime.Utc
    readonly error: CredentialCache.Obstacle
  }
  ReauthorizationNeeded: { readonly key: Installation.CredentialKey; readonly error: OAuthV2Error.AccessError }
  RefreshTokenExpiring: { readonly key: Installation.CredentialKey; readonly expiresAt: DateTime.Utc }
}>

/**
 * Makes and matches an {@link Event}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Event = TokenEvents.Event

/**
 * How many credentials there are, by state.
 *
 * @since 0.1.0
 * @category models
 */
export interface Health {
  /** Credentials whose expiry is not near. */
  readonly fresh: number
  /** Credentials that are near their expiry, or past it. They are about to be refreshed, or to end. */
  readonly expiring: number
  /** Credentials without an expiry. */
  readonly permanent: number
  /** Credentials that need a new install. */
  readonly dead: number
  /** Tokens that only this process has, because the store has not saved them yet. */
  readonly unsaved: number
}

/**
 * The options of a manager. Each has a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /**
   * How long before its expiry a token is refreshed; 2 hours by default, and at most half of the token's life.
   */
  readonly window?: Duration.DurationInput | undefined
  /**
   * The part of the window, from 0 to 1, by which a refresh is delayed at random at most; 0.25 by default. So not all
   * credentials are refreshed at once.
   */
  readonly jitter?: number | undefined
  /**
   * Lease time: how long a process may hold a credential before others assume that it crashed; 30 seconds by default. One
   * attempt at Slack gets a third of it, a call with its repetitions a half.
   */
  readonly leaseDuration?: Duration.DurationInput | undefined
  /** How many tokens are kept in memory; 100,000 by default. */
  readonly cacheSize?: number | undefined
  /**
   * How long a token is served without reading the store, where another process may have replaced it; 10 minutes by
   * default.
   */
  readonly cacheTime?: Duration.DurationInput | undefined
  /**
   * How long it is remembered that a place has no token, where another process may install the app; 5 seconds by default.
   */
  readonly missTime?: Duration.DurationInput | undefined
  /**
   * How long a caller in the refresh window waits for the new token before the old one, which is still valid, is served;
   * 3 seconds by default. With 0, the refresh runs in the background.
   */
  readonly patience?: Duration.DurationInput | undefined
  /**
   * Whether concurrent callers in this process wait for one refresh together; `true` by default. Cloudflare Workers does
   * not let a request wait for the I/O of another: set `false` there. Then each caller does its own I/O, nothing runs in
   * the background, and the store's lease ensures that one of them refreshes. Use a store that all isolates share.
   */
  readonly sharedRefresh?: boolean | undefined
  /**
   * How long a refresh token lives after it was issued, if it expires at all. Slack ends those of apps with PKCE after 30
   * days. That is the default if the `SlackApp` in the context, or the one that `apps` returns, has no secret.
   */
  readonly refreshTokenLifetime?: Duration.DurationInput | undefined
  /**
   * The app of an app id, for a store with the installations of several apps. Without it, refreshes use the app of
   * `OAuthV2`. Tokens of an app for which it returns `undefined` are served and not refreshed: Slack answers to another
   * app's refresh token that it is dead.
   */
  readonly apps?: ((appId: string) => SlackApp.Service | undefined) | undefined
}

/**
 * How a refresh ended.
 *
 * - `Renewed`: there is a new token
 * - `Current`: there was nothing to do, because another process was faster or there is no refresh token
 * - `Stale`: it failed, and the old token is still valid
 *
 * @since 0.1.0
 * @category models
 */
export type Refresh = "Renewed" | "Current" | "Stale"

/**
 * What to refresh. With a `generation`, a later one is not refreshed.
 *
 * @since 0.1.0
 * @category models
 */
export interface Force {
  readonly generation?: number | undefined
}

/**
 * Tokens that are valid now.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service {
  /** The app's own token in an installation. */
  readonly botToken: (key: Installation.InstallationKey) => Effect.Effect<Redacted.Redacted, TokenError>
  /** The token of one person (`U…`). */
  readonly userToken: (
    key: Installation.InstallationKey,
    userId: string
  ) => Effect.Effect<Redacted.Redacted, TokenError>
  /** The token of any credential. */
  readonly token: (key: Installation.CredentialKey) => Effect.Effect<Redacted.Redacted, TokenError>
  /**
   * The app's own token for a place, such as that of an event: of the installation that `InstallationStore.resolve` names.
   * It is served from memory like {@link Service.botToken}. That a place has no token is remembered for seconds
   * (`missTime`). What this process installs or removes is seen at once.
   */
  readonly botTokenFor: (place: Installation.Place) => Effect.Effect<Redacted.Redacted, TokenError>
  /** The token of one person (`U…`) for a place. */
  readonly userTokenFor: (
    place: Installation.Place,
    userId: string
  ) => Effect.Effect<Redacted.Redacted, TokenError>
  /** The key of the credential that serves a place: of the bot, or of a person. It fails if there is no valid token. */
  readonly credentialFor: (
    place: Installation.Place,
    userId?: string
  ) => Effect.Effect<Installation.CredentialKey, TokenError>
  /**
   * Forgets what is known of an installation or a credential, because another process has changed it. The next caller gets
   * what is stored. For what this process changes through its own store, this is not necessary.
   */
  readonly forget: (key: Installation.InstallationKey | Installation.CredentialKey) => Effect.Effect<void>
  /**
   * Reports that Slack refused a token, with a code such as `token_expired` or `token_revoked`. The token is not served
   * again: the next caller gets another one, the error that the credential is dead, or `TokenUnavailable` if it cannot be
   * replaced now. If the token has been replaced since, nothing happens.
   */
  readonly invalidate: (
    key: Installation.CredentialKey,
    token: string | Redacted.Redacted,
    code?: string
  ) => Effect.Effect<void>
  /**
   * Refreshes a credential now, even if its token is fresh; with a `generation`, only if that generation is still stored.
   * A credential without a refresh token is `Current` until its token ends.
   */
  readonly refresh: (key: Installation.CredentialKey, force?: Force) => Effect.Effect<Refresh, TokenError>
  /**
   * Emits `RefreshTokenExpiring` if a credential's refresh token is in the last sixth of its life, and returns whether it
   * did.
   */
  readonly warn: (
    credential: Pick<InstallationStore.CredentialInfo, "key" | "issuedAt">
  ) => Effect.Effect<boolean>
  /** The events from the moment of subscription on. A slow reader loses the oldest first. */
  readonly events: Stream.Stream<Event>
  /** Counts the credentials, with one pass over the store. */
  readonly health: Effect.Effect<Health, InstallationStore.InstallationStoreError>
}

/**
 * Tokens that are always fresh.
 *
 * @since 0.1.0
 * @category tags
 */
export class TokenManager extends Context.Tag("effect-slack-oauth/TokenManager")<TokenManager, Service>() {}

// -------------------------------------------------------------------------------------
// asking for tokens
// -------------------------------------------------------------------------------------

/**
 * The app's own token in an installation, valid now.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { Installation, TokenManager } from "effect-slack-oauth"
 *
 * const program = TokenManager.botToken(Installation.workspace("A0EXAMPLE", "T0EXAMPLE")).pipe(
 *   Effect.catchTag("ReauthorizationRequired", (error) => Effect.fail(`please install again: ${error.message}`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category tokens
 */
export const botToken = (
  key: Installation.InstallationKey
): Effect.Effect<Redacted.Redacted, TokenError, TokenManager> =>
  Effect.flatMap(TokenManager, (manager) => manager.botToken(key))

/**
 * The token of one person (`U…`) in an installation, valid now.
 *
 * @since 0.1.0
 * @category tokens
 */
export const userToken = (
  key: Installation.InstallationKey,
  userId: string
): Effect.Effect<Redacted.Redacted, TokenError, TokenManager> =>
  Effect.flatMap(TokenManager, (manager) => manager.userToken(key, userId))

/**
 * The app's own token for a place, such as that of an event, valid now; see {@link Service.botTokenFor}.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { TokenManager } from "effect-slack-oauth"
 *
 * const program = TokenManager.botTokenFor({ appId: "A0EXAMPLE", teamId: "T0EXAMPLE", enterpriseId: "E0EXAMPLE" }).pipe(
 *   Effect.catchTag("NotInstalled", () => Effect.fail("the app is not installed there"))
 * )
 * ```
 *
 * @since 0.1.0
 * @category tokens
 */
export const botTokenFor = (
  place: Installation.Place
): Effect.Effect<Redacted.Redacted, TokenError, TokenManager> =>
  Effect.flatMap(TokenManager, (manager) => manager.botTokenFor(place))

/**
 * The token of one person (`U…`) for a place, valid now; see {@link Service.userTokenFor}.
 *
 * @since 0.1.0
 * @category tokens
 */
export const userTokenFor = (
  place: Installation.Place,
  userId: string
): Effect.Effect<Redacted.Redacted, TokenError, TokenManager> =>
  Effect.flatMap(TokenManager, (manager) => manager.userTokenFor(place, userId))

/**
 * Forgets what is known of an installation or a credential; see {@link Service.forget}.
 *
 * @since 0.1.0
 * @category tokens
 */
export const forget = (
  key: Installation.InstallationKey | Installation.CredentialKey
): Effect.Effect<void, never, TokenManager> => Effect.flatMap(TokenManager, (manager) => manager.forget(key))

/**
 * Reports that Slack refused a token; see {@link Service.invalidate}.
 *
 * @since 0.1.0
 * @category tokens
 */
export const invalidate = (
  key: Installation.CredentialKey,
  token: string | Redacted.Redacted,
  code?: string
): Effect.Effect<void, never, TokenManager> =>
  Effect.flatMap(TokenManager, (manager) => manager.invalidate(key, token, code))

/**
 * Refreshes a credential now; see {@link Service.refresh}.
 *
 * @since 0.1.0
 * @category tokens
 */
export const refresh = (
  key: Installation.CredentialKey,
  force?: Force
): Effect.Effect<Refresh, TokenError, TokenManager> =>
  Effect.flatMap(TokenManager, (manager) => manager.refresh(key, force))

/**
 * Warns of a refresh token that expires soon; see {@link Service.warn}.
 *
 * @since 0.1.0
 * @category watching
 */
export const warn = (
  credential: Pick<InstallationStore.CredentialInfo, "key" | "issuedAt">
): Effect.Effect<boolean, never, TokenManager> => Effect.flatMap(TokenManager, (manager) => manager.warn(credential))

/**
 * The events, from the moment of subscription on.
 *
 * @since 0.1.0
 * @category watching
 */
export const events: Stream.Stream<Event, never, TokenManager> = Stream.unwrap(
  Effect.map(TokenManager, (manager) => manager.events)
)

/**
 * Counts the credentials.
 *
 * @since 0.1.0
 * @category watching
 */
export const health: Effect.Effect<Health, InstallationStore.InstallationStoreError, TokenManager> = Effect.flatMap(
  TokenManager,
  (manager) => manager.health
)

// -------------------------------------------------------------------------------------
// calling Slack
// -------------------------------------------------------------------------------------

/**
 * Gives each request of an `HttpClient` a fresh bearer token: of the bot in an installation or at a place, or of one
 * person. If Slack refuses it as `token_expired` or `token_revoked`, the token is replaced and the request repeated once.
 * That is safe, because Slack did nothing. A request whose body is a stream is not repeated. The response can be read in
 * every way, also as a stream: a JSON body of more than 8 kB is not a refusal, and is not held in memory. Use it for
 * Slack's URLs only: the token is sent wherever the request is sent.
 *
 * @example
 * ```ts
 * import { HttpClient, HttpClientRequest } from "@effect/platform"
 * import { Effect } from "effect"
 * import { Installation, TokenManager } from "effect-slack-oauth"
 *
 * const whoAmI = Effect.gen(function*() {
 *   const client = (yield* HttpClient.HttpClient).pipe(
 *     TokenManager.authorized(Installation.workspace("A0EXAMPLE", "T0EXAMPLE"))
 *   )
 *   const response = yield* client.execute(HttpClientRequest.post("https://slack.com/api/auth.test"))
 *   return yield* response.json
 * })
 * ```
 *
 * @since 0.1.0
 * @category calling Slack
 */
export const authorized =
  (whose: Installation.InstallationKey | Installation.CredentialKey | Installation.Place) =>
  <E, R>(
    client: HttpClient.HttpClient.With<E, R>
  ): HttpClient.HttpClient.With<E | TokenError | HttpClientError.ResponseError, R | TokenManager> =>
    withTokens(TokenManager, whose, client)

// -------------------------------------------------------------------------------------
// making
// -------------------------------------------------------------------------------------

/**
 * {@link make} as a layer.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options?: Options
): Layer.Layer<
  TokenManager,
  ConfigError.ConfigError,
  OAuthV2.OAuthV2 | InstallationStore.InstallationStore
> => Layer.scoped(TokenManager, make(options))

/**
 * Makes a manager. When its scope closes, it finishes the refreshes under way and tries once more to save each token that
 * the store has not saved. Then it interrupts the callers that still wait. Fails if an option cannot be used; the error names
 * the option.
 *
 * A `SlackApp` in the context is optional. It gives the app id of places that name none, and says whether refresh tokens
 * expire (`refreshTokenLifetime`).
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<
  Service,
  ConfigError.ConfigError,
  OAuthV2.OAuthV2 | InstallationStore.InstallationStore | Scope.Scope
> =>
  Effect.gen(function*() {
    const slack = yield* OAuthV2.OAuthV2
    const unbounded = yield* InstallationStore.InstallationStore
    const context = yield* LayerContext.make()
    const settings = yield* settingsOf(options)
    const { apps, leaseDuration, rules } = settings
    const store = InstallationStore.bounded(unbounded, LeaseTime.millisOf("storeCall", leaseDuration))
    const standardApp = Option.getOrUndefined(yield* Effect.serviceOption(SlackApp.SlackApp))
    const events = yield* TokenEvents.make((appId) => refreshTokenLifetimeOf(settings, standardApp, appId))
    const scope = yield* Scope.make(ExecutionStrategy.parallel)
    const changes = HeardChanges.make()
    const tokens = FreshTokens.make({
      rules,
      leaseDuration,
      slack,
      apps,
      store,
      changes,
      events,
      context,
      scope,
      makeBusy: (waited) => new CredentialBusy({ waited }),
      makeTooShort: (waited) => new LeaseTooShort({ waited })
    })
    const cache = CredentialCache.make(settings.cacheSize, changes)
    yield* Effect.addFinalizer((exit) => Closing.close(tokens.closing, tokens, Scope.close(scope, exit)))
    // What was read before a change has an older version, so it is outdated.
    yield* unbounded.onChange(({ generation, key }) => {
      const id = String(key)
      if (!CredentialCache.isKnownChange(cache.peek(id), generation)) changes.record(id)
    })

    /**
     * Serves the token of a credential: from memory if it is fresh there, and otherwise by `FreshTokens.read`. `id` is the
     * text of the key. There is one entry for each id, and it stays in the cache while it is in use. `key` is made only if
     * the token is not served from memory.
     */
    const read = (
      id: string,
      key: () => Installation.CredentialKey
    ): Effect.Effect<Redacted.Redacted, TokenError> =>
      Effect.clockWith((clock) => {
        const token = CredentialCache.freshToken(changes, cache.peek(id), clock.unsafeCurrentTimeMillis())
        if (token !== undefined) return token
        const credential = key()
        return Effect.mapError(
          cache.use(id, (entry) => FreshTokens.read(tokens, credential, entry)),
          toTokenError(credential)
        )
      })

    const places = Places.make<NotInstalled | ReauthorizationRequired, TokenUnavailable>({
      size: settings.cacheSize,
      cacheTime: rules.cacheTime,
      missTime: settings.missTime,
      appId: standardApp?.appId,
      changes,
      resolve: store.resolve,
      read: (key) => read(String(key), () => key),
      isMiss: (error) => error._tag !== "TokenUnavailable",
      toMiss: (key) => new NotInstalled({ key }),
      toUnavailable: (key, error) => new TokenUnavailable({ key, error, retryAfter: Duration.seconds(1) })
    })
    const tokenFor = (place: Installation.Place, subject: string) =>
      Effect.clockWith((clock) => {
        const now = clock.unsafeCurrentTimeMillis()
        const id = places.peek(place, subject, now)
        const token = id === undefined ? undefined : CredentialCache.freshToken(changes, cache.peek(id), now)
        return token ?? Effect.map(places.find(place, subject), ({ token }) => token)
      })

    return {
      botToken: (installation) => read(credentialRowId(installation, "bot"), () => Installation.botKey(installation)),
      userToken: (installation, userId) =>
        read(credentialRowId(installation, userSubject(userId)), () => Installation.userKey(installation, userId)),
      token: (key) => read(String(key), () => key),
      botTokenFor: (place) => tokenFor(place, "bot"),
      userTokenFor: (place, userId) => tokenFor(place, userSubject(userId)),
      credentialFor: (place, userId) =>
        Effect.map(places.find(place, userId === undefined ? "bot" : userSubject(userId)), ({ key }) => key),
      forget: (key) => Effect.sync(() => changes.record(String(key))),
      invalidate: (key, token, code = "token_expired") =>
        cache.use(String(key), (entry) =>
          Effect.sync(() => {
            entry.wasAsked = true
            entry.state = onRefused(entry.state, reveal(token), code)
            cache.renew(String(key), entry)
          })),
      refresh: (key, force = {}) =>
        Effect.mapBoth(cache.use(String(key), (entry) => FreshTokens.refresh(tokens, key, entry, force)), {
          onSuccess: ({ how }) => how,
          onFailure: toTokenError(key)
        }),
      warn: ({ issuedAt, key }) => events.warn(key, issuedAt),
      events: events.stream,
      health: healthOf(tokens)
    }
  })

/** The error of a caller who gets no token. */
const toTokenError = (key: Installation.CredentialKey) => (refusal: Refusal<CredentialCache.Obstacle>): TokenError => {
  switch (refusal._tag) {
    case "Missing":
      return new NotInstalled({ key })
    case "Dead": {
      const { code, since } = refusal.reauthorization
      return new ReauthorizationRequired({
        key,
        since,
        error: OAuthV2Error.fromCode(code, { method: "oauth.v2.access" })
      })
    }
    case "Unavailable":
      return new TokenUnavailable({ key, error: refusal.error, retryAfter: Duration.millis(refusal.retryAfter) })
  }
}

/** Counts the credentials, and sets the gauges. */
const healthOf = ({ rules, store, unsaved }: FreshTokens.FreshTokens): Service["health"] =>
  Effect.gen(function*() {
    const now = yield* DateTime.now
    const counts = yield* store.counts({ expiringBefore: DateTime.add(now, { millis: rules.window }) })
    const health: Health = {
      fresh: counts.rotating - counts.expiring,
      expiring: counts.expiring,
      permanent: counts.permanent,
      dead: counts.dead,
      unsaved: unsaved.entries().length
    }
    yield* Telemetry.tokens({ ...health })
    return health
  })
