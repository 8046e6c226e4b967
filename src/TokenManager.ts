/**
 * Tokens that are always fresh: ask for the token of an installation, get one that is valid now, or a typed reason why
 * there is none. Never an expired token.
 *
 * A token that is not about to expire is served from memory. One that is gets refreshed: by one fiber of one process,
 * whatever the number of those that ask for it, and the others get what that one brought. While Slack is down, a token
 * that is still valid is served on.
 *
 * `docs/token-rotation.md` has the states of a credential, what a crash at each leaves behind, and what is promised.
 *
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientError from "@effect/platform/HttpClientError"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import type * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Clock from "effect/Clock"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import * as InstallationStore from "./InstallationStore.js"
import { parseObject } from "./internal/answer.js"
import { withDeadline } from "./internal/deadline.js"
import * as LayerContext from "./internal/layerContext.js"
import { checkCount, checkDuration, checkShare } from "./internal/options.js"
import { peek } from "./internal/peek.js"
import { randomToken } from "./internal/random.js"
import { longestPause } from "./internal/retryAfter.js"
import { rotate, type Saved } from "./internal/rotation.js"
import { credentialRowId, userSubject } from "./internal/rowId.js"
import * as Telemetry from "./internal/telemetry.js"
import * as OAuthV2 from "./OAuthV2.js"
import * as OAuthV2Error from "./OAuthV2Error.js"
import * as RetryPolicy from "./RetryPolicy.js"
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
    return `${this.key}: there is no such credential. Have the app installed there.`
  }
}

/**
 * The credential is dead, and only a new install helps. `error` is what Slack said.
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
 * Another process is refreshing the credential, and has not finished in two lease times: it is paused, or each one that
 * takes over gets stuck.
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

/** Why a refresh did not bring a token, and may do so later. */
type Obstacle = OAuthV2Error.AccessError | InstallationStore.InstallationStoreError | CredentialBusy

/**
 * There is no valid token now, and there may be one later: Slack or the store did not do its part, or another process
 * did not, which `error` tells. Nothing is lost.
 *
 * @since 0.1.0
 * @category errors
 */
export class TokenUnavailable
  extends Schema.TaggedError<TokenUnavailable>("effect-slack-oauth/TokenUnavailable")("TokenUnavailable", {
    key: Installation.CredentialKey,
    error: Schema.Union(OAuthV2Error.AccessError, InstallationStore.InstallationStoreError, CredentialBusy),
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
 * - `Unsaved`: Slack gave the next token, and the store does not take it; it is served from memory and saved later
 * - `ServingStale`: a refresh failed, and the token that is still valid until `expiresAt` is served on
 * - `ReauthorizationNeeded`: the credential is dead
 * - `RefreshTokenExpiring`: the refresh token itself dies at `expiresAt` unless a refresh succeeds before
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
    readonly error: Obstacle
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
export const Event = Data.taggedEnum<Event>()

/**
 * The state of the fleet.
 *
 * @since 0.1.0
 * @category models
 */
export interface Health {
  /** Credentials with an expiry that is not near: nothing to do yet. */
  readonly fresh: number
  /** Credentials that are close to their expiry, or past it. They are about to be refreshed, or about to end. */
  readonly expiring: number
  /** Credentials without an expiry. */
  readonly permanent: number
  /** Credentials that need a new install. */
  readonly dead: number
  /** Tokens that this process holds and the store has not taken yet. */
  readonly unsaved: number
}

/**
 * How a manager works. Everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * How long before its expiry a token is refreshed; 2 hours by default, and at most half of the token's life.
   */
  readonly window?: Duration.DurationInput | undefined
  /**
   * Which part of the window may pass by chance before the refresh, from 0 to 1, so that processes and credentials do
   * not all come at once; 0.25 by default.
   */
  readonly jitter?: number | undefined
  /**
   * How long a process may be at one credential before others take it for dead; 30 seconds by default. A call to Slack
   * gets a third of it, a call with its repetitions a half.
   */
  readonly leaseDuration?: Duration.DurationInput | undefined
  /** How many tokens are kept in memory; 100,000 by default. */
  readonly cacheSize?: number | undefined
  /**
   * How long a token is served without a look into the store, where another process may have replaced it; 10 minutes by
   * default.
   */
  readonly cacheTime?: Duration.DurationInput | undefined
  /**
   * How long someone who asks in the refresh window waits for the new token, before the still valid one is served; 3
   * seconds by default.
   */
  readonly patience?: Duration.DurationInput | undefined
  /**
   * Whether concurrent callers in this process wait for one refresh together; `true` by default. Cloudflare Workers does
   * not let a request wait for the I/O of another: set `false` there. Then each caller does its own I/O, nothing runs in
   * the background, and the store's lease ensures that one of them refreshes. Use a store that all isolates share.
   */
  readonly sharedRefresh?: boolean | undefined
  /**
   * How long a refresh token lives after it was issued, if it dies at all. Slack ends them after 30 days for apps with
   * PKCE, which is the default where the `SlackApp` in the context, or the one that `apps` gives, has no secret.
   */
  readonly refreshTokenLifetime?: Duration.DurationInput | undefined
  /**
   * The app to speak for, by app id, where the store has the installations of several; otherwise the one that `OAuthV2`
   * was given. The tokens of an app that comes out `undefined` are served and not refreshed here: Slack would take
   * another app's refresh token for a dead one.
   */
  readonly apps?: ((appId: string) => SlackApp.Service | undefined) | undefined
}

/**
 * How a refresh ended.
 *
 * - `Renewed`: there is a new token
 * - `Current`: there was nothing to do, because somebody else was faster or there is no refresh token
 * - `Stale`: it failed, and the old token is still valid
 *
 * @since 0.1.0
 * @category models
 */
export type Refresh = "Renewed" | "Current" | "Stale"

/**
 * What is to be refreshed: if there is a `generation`, then that one and no later one.
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
   * Says that Slack refused a token, with `token_expired`, `token_revoked` or the like. It is not served again: the next
   * one who asks gets another, or hears that the credential is dead. If the token was replaced meanwhile, nothing
   * happens.
   */
  readonly invalidate: (
    key: Installation.CredentialKey,
    token: string | Redacted.Redacted,
    code?: string
  ) => Effect.Effect<void>
  /**
   * Refreshes a credential now, wherever it is in its life; with a `generation`, only if it still is of that one. One
   * without a refresh token stays `Current` until its token ends.
   */
  readonly refresh: (key: Installation.CredentialKey, force?: Force) => Effect.Effect<Refresh, TokenError>
  /**
   * Emits `RefreshTokenExpiring` if a credential's refresh token is in the last sixth of its life, and says whether it
   * did.
   */
  readonly warn: (
    credential: Pick<InstallationStore.CredentialInfo, "key" | "issuedAt">
  ) => Effect.Effect<boolean>
  /** What happens to credentials from the moment of subscription on. A slow reader loses the oldest events first. */
  readonly events: Stream.Stream<Event>
  /** Counts the fleet, with one pass over the store. */
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
// what a process knows of a credential
// -------------------------------------------------------------------------------------

/** A token in memory. */
interface Entry {
  readonly credential: Installation.Credential
  readonly token: Effect.Effect<Redacted.Redacted>
  /** When Slack stops taking it; infinite if never. */
  readonly expiresAt: number
  /** When it is time for the next one. */
  readonly refreshAt: number
  /** Until when it is served without any I/O. */
  readonly freshUntil: number
}

/** What went wrong last, and when it makes sense to try again. */
interface Failure {
  readonly error: Obstacle
  readonly attempts: number
  readonly retryAt: number
}

/** A token that Slack gave and the store has not taken, and another try to save it. */
interface Unsaved {
  readonly credential: Installation.Credential
  readonly settle: Effect.Effect<void, InstallationStore.InstallationStoreError>
}

/** What an update brought. */
interface Delivery {
  readonly token: Redacted.Redacted
  readonly how: Refresh
}

/** An update under way, which everybody waits for who comes meanwhile. */
interface Flight {
  readonly startedAt: number
  readonly forced: boolean
  /** Waits for the end. */
  readonly arrival: Effect.Effect<Delivery, TokenError>
  readonly land: (exit: Exit.Exit<Delivery, TokenError>) => void
}

/** A `Deferred` for crowds: there each who waits copies the list of those who came before. */
const makeFlight = (startedAt: number, forced: boolean): Flight => {
  const waiting = new Set<(exit: Exit.Exit<Delivery, TokenError>) => void>()
  let landed: Exit.Exit<Delivery, TokenError> | undefined
  return {
    startedAt,
    forced,
    arrival: Effect.async((resume) => {
      if (landed !== undefined) return resume(landed)
      waiting.add(resume)
      return Effect.sync(() => waiting.delete(resume))
    }),
    land: (exit) => {
      landed = exit
      for (const resume of waiting) resume(exit)
      waiting.clear()
    }
  }
}

/** Everything about one credential that is not in the store. */
interface Local {
  entry?: Entry | undefined
  failure?: Failure | undefined
  unsaved?: Unsaved | undefined
  /** The token that Slack refused, and why. */
  refused?: { readonly token: string; readonly code: string } | undefined
  flight?: Flight | undefined
  /** Whether anybody here asked for its token, so that it is worth its memory. */
  asked: boolean
}

const isIdle = (local: Local): boolean => local.flight === undefined && local.unsaved === undefined

const never = Number.POSITIVE_INFINITY

const expiryOf = (credential: Installation.Credential): number =>
  Option.match(credential.token.expiry, {
    onNone: () => never,
    onSome: ({ expiresAt }) => DateTime.toEpochMillis(expiresAt)
  })

/** With a chain that is dead the last token works on until it runs out; any other end takes the token with it. */
const outlivesItsChain = (code: string): boolean => code === "invalid_refresh_token"

/** How long to leave a credential alone after failures: from a second to a minute, doubling, give or take a quarter. */
const pause = (attempts: number, hint: Duration.Duration | undefined): Effect.Effect<number> =>
  Effect.map(Random.next, (random) =>
    Math.ceil(Math.max(
      Math.min(1000 * 2 ** attempts, 60_000) * (0.75 + random / 2),
      hint === undefined ? 0 : Duration.toMillis(hint)
    )))

/** For as long as a caller can be made to wait. */
const soon = Schedule.intersect(Schedule.exponential("200 millis"), Schedule.recurs(3))

// -------------------------------------------------------------------------------------
// the manager
// -------------------------------------------------------------------------------------

/**
 * Makes a manager. When its scope closes, refreshes that are under way are finished first, and every token that the
 * store has not taken gets one more try. Whoever still waits for a token then is interrupted. Fails if an option cannot
 * be used, which the error names.
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
    const context = yield* LayerContext.make()
    const unbounded = yield* InstallationStore.InstallationStore
    const window = Duration.toMillis(yield* checkDuration("window", options.window ?? "2 hours"))
    const jitter = yield* checkShare("jitter", options.jitter ?? 0.25)
    const leaseDuration = yield* checkDuration("leaseDuration", options.leaseDuration ?? "30 seconds")
    const lease = Duration.toMillis(leaseDuration)
    const store = InstallationStore.bounded(unbounded, Math.ceil(lease / 6))
    const cacheSize = yield* checkCount("cacheSize", options.cacheSize ?? 100_000)
    const cacheTime = Duration.toMillis(
      yield* checkDuration("cacheTime", options.cacheTime ?? "10 minutes", { zero: true, infinite: true })
    )
    const patience = Duration.toMillis(
      yield* checkDuration("patience", options.patience ?? "3 seconds", { zero: true })
    )
    const refreshTokenLifetime = options.refreshTokenLifetime === undefined
      ? undefined
      : yield* checkDuration("refreshTokenLifetime", options.refreshTokenLifetime)
    const sharedRefresh = options.sharedRefresh ?? true
    const standardApp = yield* Effect.serviceOption(SlackApp.SlackApp)
    /** Not from Effect's `Random`: with one seed two processes would be one holder. */
    const holder = randomToken()

    const locals = new Map<string, Local>()
    const unsaved = new Set<Unsaved>()
    let turns = 0
    let isClosed = false

    const events = yield* Effect.acquireRelease(PubSub.sliding<Event>(1024), PubSub.shutdown)
    const scope = yield* Scope.make(ExecutionStrategy.parallel)
    /** Gives work a part of the lease time to finish. What takes longer goes on in the background. */
    const finish = (work: Effect.Effect<void>, part: number, what: string) =>
      Effect.catchAll(
        withDeadline(Effect.flatMap(context.fork(work), Fiber.join), Duration.millis(lease * part), () => what),
        (what) => Effect.logError(`TokenManager is closing, and ${what}.`)
      )
    yield* Effect.addFinalizer((exit) =>
      Effect.gen(function*() {
        isClosed = true
        yield* finish(Scope.close(scope, exit), 2 / 3, "refreshes under way did not finish")
        yield* finish(
          Effect.forEach(
            Array.from(unsaved),
            ({ settle }) =>
              Effect.catchAll(
                settle,
                (error) => Effect.logError(`The last token that Slack gave could not be saved. ${error.message}`)
              ),
            { concurrency: 8, discard: true }
          ),
          1 / 3,
          "tokens that Slack gave could not be saved: the store does not answer"
        )
      })
    )

    // ---- memory

    const localOf = (id: string): Local => {
      let local = locals.get(id)
      if (local === undefined) {
        locals.set(id, local = { asked: false })
        if (locals.size > cacheSize) evict()
      }
      return local
    }

    /** Forgets the credential that has been known longest, of those that nothing depends on. */
    const evict = (): void => {
      for (const [id, local] of locals) {
        if (isIdle(local)) {
          locals.delete(id)
          return
        }
      }
    }

    const emit = (event: Event) => Effect.asVoid(PubSub.publish(events, event))

    /** When it is time for the next token, chance being from 0 to 1. */
    const refreshAtOf = (credential: Installation.Credential, chance: number): number => {
      const expiresAt = expiryOf(credential)
      if (Option.isNone(Installation.refreshTokenOf(credential))) return expiresAt
      const own = Math.min(window, (expiresAt - DateTime.toEpochMillis(credential.issuedAt)) / 2)
      return expiresAt - own + own * jitter * chance
    }

    /** Keeps a credential in memory. */
    const keep = (local: Local, credential: Installation.Credential, chance: number, now: number): Entry => {
      const known = local.entry
      const isKnown = known !== undefined && known.credential.generation === credential.generation
      const expiresAt = expiryOf(credential)
      const refreshAt = isKnown ? known.refreshAt : refreshAtOf(credential, chance)
      const isDead = Option.isSome(credential.reauthorization)
      const entry: Entry = {
        credential,
        token: Effect.succeed(credential.token.accessToken),
        expiresAt,
        refreshAt,
        // Without a background, whoever asks tries to save what is not saved.
        freshUntil: !sharedRefresh && local.unsaved !== undefined
          ? 0
          : Math.min(isDead ? expiresAt : refreshAt, now + cacheTime)
      }
      local.entry = entry
      if (!isRefused(local, credential.token.accessToken)) local.refused = undefined
      return entry
    }

    const remember = (local: Local, credential: Installation.Credential): Effect.Effect<Entry> =>
      Effect.zipWith(Random.next, Clock.currentTimeMillis, (chance, now) => keep(local, credential, chance, now))

    const isRefused = (local: Local, token: Redacted.Redacted): boolean =>
      local.refused !== undefined && local.refused.token === Redacted.value(token)

    const isGood = (local: Local, credential: Installation.Credential, now: number): boolean =>
      now < expiryOf(credential) &&
      !isRefused(local, credential.token.accessToken) &&
      Option.match(credential.reauthorization, {
        onNone: () => true,
        onSome: ({ code }) => outlivesItsChain(code)
      })

    const isUsable = (local: Local, entry: Entry | undefined, now: number): entry is Entry =>
      entry !== undefined && isGood(local, entry.credential, now)

    // ---- refresh tokens

    /** The app that a credential is of: `undefined` if this process does not speak for it. */
    const appOf = (appId: string): SlackApp.Service | undefined =>
      options.apps === undefined ? Option.getOrUndefined(standardApp) : options.apps(appId)

    const refreshTokenLifetimeOf = (appId: string): Duration.Duration | undefined => {
      if (refreshTokenLifetime !== undefined) return refreshTokenLifetime
      const app = appOf(appId)
      return app !== undefined && app.clientSecret === undefined ? Duration.days(30) : undefined
    }

    /** Warns in the last sixth of a refresh token's life, five days of thirty. */
    const warnOfEnd = (key: Installation.CredentialKey, issuedAt: DateTime.Utc): Effect.Effect<boolean> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        const lifetime = refreshTokenLifetimeOf(key.installation.appId)
        if (lifetime === undefined) return Effect.succeed(false)
        const expiresAt = DateTime.addDuration(issuedAt, lifetime)
        const left = DateTime.toEpochMillis(expiresAt) - now
        return left < Duration.toMillis(lifetime) / 6
          ? Effect.as(emit(Event.RefreshTokenExpiring({ key, expiresAt })), true)
          : Effect.succeed(false)
      })

    const call = (
      key: Installation.CredentialKey,
      credential: Installation.Credential,
      mayRepeat: Effect.Effect<boolean>
    ) => {
      const { appId } = key.installation
      const app = options.apps?.(appId)
      if (options.apps !== undefined && app === undefined) {
        return Effect.fail(OAuthV2Error.fromCode("invalid_client_id", { method: "oauth.v2.access" }))
      }
      return Option.match(Installation.refreshTokenOf(credential), {
        onNone: () => Effect.dieMessage("A credential without a refresh token cannot be refreshed"),
        onSome: (refreshToken) => {
          const budget = Duration.millis(Math.ceil(lease / 2))
          return slack.access({
            refreshToken,
            installation: Installation.placeOf(key.installation),
            ...(app === undefined ? undefined : { app })
          }).pipe(
            RetryPolicy.provide(RetryPolicy.background, {
              attemptTimeout: Math.ceil(lease / 3),
              budget,
              mayRepeat
            }),
            // Another implementation of the service may have no deadline of its own.
            (access) =>
              withDeadline(
                access,
                budget,
                () => new OAuthV2Error.SlackTimeoutError({ method: "oauth.v2.access", timeout: budget })
              )
          )
        }
      })
    }

    // ---- how an update ends

    const dead = (key: Installation.CredentialKey, { code, since }: Installation.Reauthorization) =>
      new ReauthorizationRequired({ key, since, error: OAuthV2Error.fromCode(code, { method: "oauth.v2.access" }) })

    const notInstalled = (key: Installation.CredentialKey, local: Local) =>
      Effect.suspend(() => {
        local.entry = undefined
        local.failure = undefined
        return new NotInstalled({ key })
      })

    const succeed = (local: Local, credential: Installation.Credential, how: Refresh): Effect.Effect<Delivery> =>
      Effect.map(remember(local, credential), () => {
        local.failure = undefined
        return { token: credential.token.accessToken, how }
      })

    /** A refresh failed: a valid token is served on, and the credential is left alone for a while. */
    const fail = (
      key: Installation.CredentialKey,
      local: Local,
      error: Obstacle
    ): Effect.Effect<Delivery, TokenError> =>
      Effect.gen(function*() {
        const attempts = local.failure?.attempts ?? 0
        const millis = yield* pause(attempts, "retryAfter" in error ? error.retryAfter : undefined)
        const now = yield* Clock.currentTimeMillis
        const { entry } = local
        const validUntil = isUsable(local, entry, now) ? entry.expiresAt : now
        const retryAt = Math.min(now + millis, Math.max(validUntil, now + longestPause))
        local.failure = { error, attempts: attempts + 1, retryAt }
        yield* Effect.logDebug(`${key}: ${error.message}`)
        if (entry !== undefined && Option.isSome(Installation.refreshTokenOf(entry.credential))) {
          yield* warnOfEnd(key, entry.credential.issuedAt)
        }
        if (!isUsable(local, entry, now)) {
          return yield* new TokenUnavailable({ key, error, retryAfter: Duration.millis(retryAt - now) })
        }
        if (Option.isSome(entry.credential.token.expiry)) {
          const { expiresAt } = entry.credential.token.expiry.value
          yield* emit(Event.ServingStale({ key, expiresAt, error }))
        }
        return { token: entry.credential.token.accessToken, how: "Stale" }
      })

    /** Serves a new token. One that has ended already, or that Slack has refused before, counts as a failed refresh. */
    const renewed = (
      key: Installation.CredentialKey,
      local: Local,
      credential: Installation.Credential
    ): Effect.Effect<Delivery, TokenError> =>
      Effect.gen(function*() {
        const entry = yield* remember(local, credential)
        const now = yield* Clock.currentTimeMillis
        const hasEnded = now >= entry.expiresAt
        return isUsable(local, entry, now)
          ? yield* succeed(local, credential, "Renewed")
          : yield* fail(
            key,
            local,
            new OAuthV2Error.SlackUnexpectedResponse({
              method: "oauth.v2.access",
              status: 200,
              paths: [hasEnded ? "expires_in" : "access_token"]
            })
          )
      })

    /** A credential died just now: its token may live on. */
    const died = (
      key: Installation.CredentialKey,
      local: Local,
      credential: Installation.Credential,
      reauthorization: Installation.Reauthorization
    ): Effect.Effect<Delivery, TokenError> =>
      Effect.gen(function*() {
        const error = dead(key, reauthorization)
        yield* emit(Event.ReauthorizationNeeded({ key, error: error.error }))
        yield* Effect.logDebug(`${key}: reauthorization is needed. ${error.error.message}`)
        const entry = yield* remember(local, credential)
        const now = yield* Clock.currentTimeMillis
        return isUsable(local, entry, now) ? yield* succeed(local, credential, "Stale") : yield* error
      })

    /** Serves a token that the store did not take, and goes on trying to save it. */
    const saveLater = (
      key: Installation.CredentialKey,
      local: Local,
      credential: Installation.Credential,
      save: Effect.Effect<Saved, InstallationStore.InstallationStoreError>
    ): Effect.Effect<void> => {
      const settle = Effect.flatMap(save, (saved) =>
        Effect.suspend(() => {
          // The finalizer, an update and the fiber below may be at it at once.
          if (!unsaved.delete(held)) return Effect.void
          local.unsaved = undefined
          if (saved._tag === "Missing") {
            local.entry = undefined
            return Effect.void
          }
          return Effect.zipRight(
            remember(local, saved.credential),
            saved._tag === "Renewed"
              ? emit(Event.Refreshed({ key, generation: saved.credential.generation }))
              : Effect.void
          )
        }))
      const held: Unsaved = { credential, settle }
      const keepTrying = (attempts: number): Effect.Effect<void> =>
        Effect.flatMap(pause(attempts, undefined), (millis) =>
          Effect.sleep(millis).pipe(
            Effect.interruptible,
            Effect.zipRight(Effect.suspend(() => unsaved.has(held) ? settle : Effect.void)),
            Effect.catchAll(() => keepTrying(attempts + 1))
          ))
      local.unsaved = held
      unsaved.add(held)
      if (!sharedRefresh) return Effect.ignore(Effect.retry(settle, soon))
      return Effect.asVoid(context.fork(Effect.uninterruptible(keepTrying(0)), scope))
    }

    /** Marks a credential dead whose token has ended, or was refused, and that has no refresh token. */
    const bury = (
      key: Installation.CredentialKey,
      local: Local,
      credential: Installation.Credential
    ): Effect.Effect<Installation.Credential | undefined, InstallationStore.InstallationStoreError> =>
      Effect.gen(function*() {
        const code = local.refused?.code ?? "token_expired"
        const since = yield* DateTime.now
        const swap = yield* store.compareAndSet(key, credential.generation, Installation.Change.Dead({ code, since }))
        return swap._tag === "Swapped" ? swap.credential : undefined
      })

    // ---- updating

    /**
     * Brings the token of a credential up to date. With `force`, wherever the credential is in its life, unless somebody
     * else was faster. Only its waits can be interrupted.
     */
    const update = (
      key: Installation.CredentialKey,
      local: Local,
      force: Force | undefined
    ): Effect.Effect<Delivery, TokenError> =>
      Effect.gen(function*() {
        const clock = yield* Effect.clock
        const startedAt = clock.unsafeCurrentTimeMillis()
        let forcedFrom = force?.generation
        let waits = 0
        while (true) {
          const now = clock.unsafeCurrentTimeMillis()
          const held = local.unsaved
          if (held !== undefined) {
            const { accessToken } = held.credential.token
            if (force === undefined && now < expiryOf(held.credential) && !isRefused(local, accessToken)) {
              if (!sharedRefresh) yield* Effect.ignore(held.settle)
              return { token: accessToken, how: "Stale" }
            }
            // The refresh token that the store has is spent. The one that is good has to get there first.
            const settled = yield* Effect.either(held.settle)
            if (settled._tag === "Left") return yield* fail(key, local, settled.left)
          }

          const chance = yield* Random.next
          const isDue = (credential: Installation.Credential): boolean => {
            const now = clock.unsafeCurrentTimeMillis()
            // It is served while it is valid, also if nothing after this read succeeds.
            const { refreshAt } = keep(local, credential, chance, now)
            if (Option.isSome(credential.reauthorization)) return false
            if (Option.isNone(Installation.refreshTokenOf(credential))) return false
            if (isRefused(local, credential.token.accessToken)) return true
            if (force !== undefined && (forcedFrom ??= credential.generation) === credential.generation) return true
            return now >= refreshAt
          }
          const result = yield* Effect.either(rotate<OAuthV2Error.AccessError>(unbounded, {
            key,
            verb: "refresh",
            holder: `${holder}-${turns++}`,
            leaseDuration,
            isDue,
            call: (credential, mayRepeat) => call(key, credential, mayRepeat),
            isDeath: (error) => error.remedy === "reauthorize",
            repeatLost: true
          }))
          if (result._tag === "Left") return yield* fail(key, local, result.left)
          const outcome = result.right
          switch (outcome._tag) {
            case "Missing":
              return yield* notInstalled(key, local)
            case "Current": {
              const { credential } = outcome
              const entry = yield* remember(local, credential)
              if (Option.isSome(credential.reauthorization)) {
                return force === undefined && isUsable(local, entry, clock.unsafeCurrentTimeMillis())
                  ? yield* succeed(local, credential, "Stale")
                  : yield* dead(key, credential.reauthorization.value)
              }
              if (isUsable(local, entry, clock.unsafeCurrentTimeMillis())) {
                return yield* succeed(local, credential, "Current")
              }
              // It ran out, or was refused, since it was looked at.
              if (Option.isSome(Installation.refreshTokenOf(credential))) continue
              const buried = yield* Effect.either(bury(key, local, credential))
              if (buried._tag === "Left") return yield* fail(key, local, buried.left)
              if (buried.right === undefined || Option.isNone(buried.right.reauthorization)) continue
              return yield* died(key, local, buried.right, buried.right.reauthorization.value)
            }
            case "Renewed":
              yield* Telemetry.refreshed("ok")
              yield* emit(Event.Refreshed({ key, generation: outcome.credential.generation }))
              return yield* renewed(key, local, outcome.credential)
            case "Unsaved":
              yield* Telemetry.refreshed("unsaved")
              yield* saveLater(key, local, outcome.credential, outcome.save)
              yield* emit(Event.Unsaved({ key, error: outcome.error }))
              return yield* renewed(key, local, outcome.credential)
            case "Dead": {
              yield* Telemetry.refreshed(outcome.error._tag)
              const { reauthorization } = outcome.credential
              if (Option.isNone(reauthorization)) continue
              return yield* died(key, local, outcome.credential, reauthorization.value)
            }
            case "Failed":
              yield* Telemetry.refreshed(outcome.error._tag)
              yield* remember(local, outcome.credential)
              return yield* fail(key, local, outcome.error)
            case "Busy": {
              const waited = now - startedAt
              if (waited > 2 * lease) {
                return yield* fail(key, local, new CredentialBusy({ waited: Duration.millis(waited) }))
              }
              // Nobody but its caller waits for this update, so the caller's patience counts here.
              const { entry } = local
              const isPatient = sharedRefresh || force !== undefined || !isUsable(local, entry, now)
              if (!isPatient && waited >= patience) return { token: entry.credential.token.accessToken, how: "Stale" }
              const wait = Math.ceil(Math.min(100 * 1.5 ** waits++, 2000) * (0.75 + chance / 2))
              yield* Effect.interruptible(
                Effect.sleep(Math.min(
                  wait,
                  Math.ceil(Duration.toMillis(outcome.remaining)) + 1,
                  isPatient ? never : patience - waited
                ))
              )
            }
          }
        }
      })

    /** Lets one fiber update a credential; whoever comes meanwhile waits for the same. */
    const join = (
      key: Installation.CredentialKey,
      local: Local,
      now: number,
      force?: Force
    ): Effect.Effect<Delivery, TokenError> =>
      Effect.uninterruptibleMask((restore) => {
        if (isClosed) return Effect.interrupt
        if (local.flight !== undefined) return restore(local.flight.arrival)
        const updating = Effect.withSpan(update(key, local, force), "TokenManager.update", {
          captureStackTrace: false,
          root: true,
          attributes: { "slack.credential": String(key) }
        })
        if (!sharedRefresh) return restore(context.run(Effect.uninterruptible(updating)))
        const { arrival, land } = local.flight = makeFlight(now, force !== undefined)
        return updating.pipe(
          Effect.onExit((exit) =>
            Effect.sync(() => {
              local.flight = undefined
              land(exit)
            })
          ),
          Effect.uninterruptible,
          (work) => context.fork(work, scope),
          Effect.zipRight(restore(arrival))
        )
      })

    // ---- asking

    /** The way for a token that is not served at once. */
    const slowly = (key: Installation.CredentialKey, local: Local): Effect.Effect<Redacted.Redacted, TokenError> =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        local.asked = true
        const { entry, failure, flight } = local
        const isWaiting = failure !== undefined && now < failure.retryAt
        const updated = Effect.flatMap(join(key, local, now), ({ token }) =>
          // It may have been refused after the update had come to its end.
          isRefused(local, token) ? slowly(key, local) : Effect.succeed(token))
        const isKnown = isUsable(local, entry, now)
        if (isWaiting) {
          return isKnown
            ? entry.token
            : new TokenUnavailable({ key, error: failure.error, retryAfter: Duration.millis(failure.retryAt - now) })
        }
        const patienceLeft = flight === undefined ? patience : flight.startedAt + patience - now
        if (patienceLeft <= 0) return isKnown ? entry.token : updated
        if (!sharedRefresh) return updated
        // Also for a caller without a valid token: the update may have read one by then.
        return Effect.catchAll(
          withDeadline(updated, Duration.millis(patienceLeft), () => undefined),
          (error) => error === undefined ? slowly(key, local) : Effect.fail(error)
        )
      })

    /**
     * A caller inside a database transaction may hold the lock, or the only connection, that an update waits for. Such a
     * caller first reads inside the transaction, and gets that token unless there is a newer one in time. It is not
     * remembered: the transaction may be rolled back.
     */
    const insideTransaction = (
      key: Installation.CredentialKey,
      local: Local
    ): Effect.Effect<Redacted.Redacted, TokenError> =>
      Effect.gen(function*() {
        const seen = yield* Effect.orElseSucceed(store.credential(key), Option.none)
        const now = yield* Clock.currentTimeMillis
        if (Option.isNone(seen) || !isGood(local, seen.value, now)) return yield* slowly(key, local)
        const { accessToken } = seen.value.token
        if (Option.isSome(seen.value.reauthorization) || now < refreshAtOf(seen.value, 1)) return accessToken
        return yield* Effect.catchAll(
          // A caller who refreshes has to stay: there is nobody else to store the result.
          sharedRefresh
            ? withDeadline(slowly(key, local), Duration.millis(patience), () => undefined)
            : slowly(key, local),
          (error) =>
            error === undefined || error._tag === "TokenUnavailable" ? Effect.succeed(accessToken) : Effect.fail(error)
        )
      })

    const ask = (key: Installation.CredentialKey, local: Local): Effect.Effect<Redacted.Redacted, TokenError> =>
      Effect.flatMap(
        LayerContext.isInTransaction,
        (isInTransaction) => isInTransaction ? insideTransaction(key, local) : slowly(key, local)
      )

    const read = (
      id: string,
      key: () => Installation.CredentialKey
    ): Effect.Effect<Redacted.Redacted, TokenError> =>
      Effect.clockWith((clock) => {
        const local = localOf(id)
        const { entry } = local
        return entry !== undefined && clock.unsafeCurrentTimeMillis() < entry.freshUntil && local.refused === undefined
          ? entry.token
          : ask(key(), local)
      })

    const refresh: Service["refresh"] = (key, force = {}) =>
      Effect.suspend(() => {
        const id = String(key)
        const local = localOf(id)
        const go: Effect.Effect<Delivery, TokenError> = Effect.flatMap(
          Clock.currentTimeMillis,
          (now) =>
            local.flight === undefined || local.flight.forced
              ? join(key, local, now, force)
              : Effect.zipRight(Effect.exit(local.flight.arrival), go)
        )
        return Effect.ensuring(
          Effect.map(go, ({ how }) => how),
          Effect.sync(() => {
            if (!local.asked && isIdle(local) && locals.get(id) === local) {
              locals.delete(id)
            }
          })
        )
      })

    return {
      botToken: (installation) => read(credentialRowId(installation, "bot"), () => Installation.botKey(installation)),
      userToken: (installation, userId) =>
        read(credentialRowId(installation, userSubject(userId)), () => Installation.userKey(installation, userId)),
      token: (key) => read(String(key), () => key),
      invalidate: (key, token, code = "token_expired") =>
        Effect.sync(() => {
          const id = String(key)
          const local = localOf(id)
          const refused = Redacted.isRedacted(token) ? Redacted.value(token) : token
          const known = local.unsaved?.credential ?? local.entry?.credential
          if (known === undefined || Redacted.value(known.token.accessToken) === refused) {
            local.refused = { token: refused, code }
            local.failure = undefined
            // What was just learned is the last to be forgotten.
            locals.delete(id)
            locals.set(id, local)
          }
        }),
      refresh,
      warn: ({ issuedAt, key }) => warnOfEnd(key, issuedAt),
      events: Stream.fromPubSub(events),
      health: Effect.gen(function*() {
        const now = yield* DateTime.now
        const counts = yield* store.counts({ expiringBefore: DateTime.add(now, { millis: window }) })
        const health: Health = {
          fresh: counts.rotating - counts.expiring,
          expiring: counts.expiring,
          permanent: counts.permanent,
          dead: counts.dead,
          unsaved: unsaved.size
        }
        yield* Telemetry.tokens({ ...health })
        return health
      })
    }
  })

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

// -------------------------------------------------------------------------------------
// reading
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
 * Says that Slack refused a token; see {@link Service.invalidate}.
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
 * Emits `RefreshTokenExpiring` where it is time to; see {@link Service.warn}.
 *
 * @since 0.1.0
 * @category watching
 */
export const warn = (
  credential: Pick<InstallationStore.CredentialInfo, "key" | "issuedAt">
): Effect.Effect<boolean, never, TokenManager> => Effect.flatMap(TokenManager, (manager) => manager.warn(credential))

/**
 * What happens to credentials, from the moment of subscription on.
 *
 * @since 0.1.0
 * @category watching
 */
export const events: Stream.Stream<Event, never, TokenManager> = Stream.unwrap(
  Effect.map(TokenManager, (manager) => manager.events)
)

/**
 * Counts the fleet.
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

/** The codes by which Slack's Web API says that it is the token that is no good. */
const refusals = new Set(["token_expired", "token_revoked"])

/** A refusal is shorter than this, in bytes. */
const longestRefusal = 8192

const canBeRefusal = ({ headers, status }: HttpClientResponse.HttpClientResponse): boolean =>
  status === 200 && headers["content-type"]?.includes("application/json") === true &&
  !(Number(headers["content-length"]) > longestRefusal)

/** The code of a refusal. Any other answer is left for its reader to parse. */
const refusalIn = (body: Uint8Array): string | undefined => {
  const text = new TextDecoder().decode(body)
  const { error, ok } = (/"ok"\s*:\s*false/.test(text) ? parseObject(text) : undefined) ?? {}
  return ok === false && typeof error === "string" && refusals.has(error) ? error : undefined
}

/**
 * Makes an `HttpClient` speak for an installation's bot, or for one person: each request gets a fresh bearer token. If
 * Slack refuses it as `token_expired` or `token_revoked`, the token is replaced and the request repeated once, which
 * is safe because Slack did nothing; a request with a stream for a body is not repeated. The response can be read in
 * every way, also as a stream: a JSON body of more than 8 kB is no refusal and is not held in memory. Use it for Slack's
 * URLs only, since the token goes wherever the request goes.
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
export const authorized = (key: Installation.InstallationKey | Installation.CredentialKey) => {
  const credential = key instanceof Installation.CredentialKey ? key : Installation.botKey(key)
  return <E, R>(
    client: HttpClient.HttpClient.With<E, R>
  ): HttpClient.HttpClient.With<E | TokenError | HttpClientError.ResponseError, R | TokenManager> => {
    const send = (request: HttpClientRequest.HttpClientRequest, repeat: boolean): Effect.Effect<
      HttpClientResponse.HttpClientResponse,
      E | TokenError | HttpClientError.ResponseError,
      R | TokenManager
    > =>
      Effect.gen(function*() {
        const manager = yield* TokenManager
        const token = yield* manager.token(credential)
        const answer = yield* client.execute(HttpClientRequest.bearerToken(request, token))
        if (!canBeRefusal(answer)) return answer
        const { body, response } = yield* peek(answer, longestRefusal)
        const refusal = body === undefined ? undefined : refusalIn(body)
        if (refusal === undefined) return response
        yield* manager.invalidate(credential, token, refusal)
        return repeat && request.body._tag !== "Stream" ? yield* send(request, false) : response
      })
    return HttpClient.makeWith<never, never, E | TokenError | HttpClientError.ResponseError, R | TokenManager>(
      (request) => Effect.flatMap(request, (request) => send(request, true)),
      Effect.succeed
    )
  }
}
