/**
 * Exchanges the long-lived tokens of a whole store for rotating ones, with `oauth.v2.exchange`.
 *
 * The store itself says what is left to do: the credentials without expiry. So a migration can be interrupted or killed at
 * any time, and the next run continues. An exchange cannot be undone, and each token can be exchanged once. The old token
 * works until the new one is refreshed for the first time. So the installation keeps working even if an answer is lost.
 *
 * `docs/migration.md` is the guide.
 *
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 */
import type * as ConfigError from "effect/ConfigError"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import * as InstallationStore from "./InstallationStore.js"
import * as LayerContext from "./internal/layerContext.js"
import * as LeaseTime from "./internal/leaseTime.js"
import { checkCount, checkDuration, checkRate } from "./internal/options.js"
import { randomToken } from "./internal/random.js"
import { longestPause } from "./internal/retryAfter.js"
import * as Rotation from "./internal/rotation.js"
import * as Telemetry from "./internal/telemetry.js"
import { uptime } from "./internal/uptime.js"
import * as OAuthV2 from "./OAuthV2.js"
import type * as OAuthV2Error from "./OAuthV2Error.js"
import * as RetryPolicy from "./RetryPolicy.js"
import type * as SlackApp from "./SlackApp.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * The options of a migration. Each has a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Reports what would be done, and changes nothing. */
  readonly dryRun?: boolean | undefined
  /** Calls a minute, repetitions included, evenly spaced; 50 by default, about Slack's limit. */
  readonly ratePerMinute?: number | undefined
  /** How many exchanges run at once; 8 by default. */
  readonly concurrency?: number | undefined
  /** Lease time: how long a process may hold a credential before others assume that it crashed; 30 seconds by default. */
  readonly leaseDuration?: Duration.DurationInput | undefined
  /** Which credentials; all, by default. */
  readonly only?: ((key: Installation.CredentialKey) => boolean) | undefined
  /**
   * The app of an app id, for a store with the installations of several apps. Without it, exchanges use the app of
   * `OAuthV2`. Credentials of an app for which it returns `undefined` are skipped.
   */
  readonly apps?: ((appId: string) => SlackApp.Service | undefined) | undefined
}

/**
 * The result for one credential.
 *
 * - `Pending`: it would be exchanged (a dry run)
 * - `Exchanged`: it rotates now
 * - `AlreadyExchanged`: Slack says that this token was exchanged before, and the new tokens are not in this store. The
 *   credential is unchanged, and works until somebody refreshes the new tokens. Install again to get a rotating one
 * - `Dead`: Slack does not accept the token any more, and that is stored
 * - `Failed`: the credential is unchanged. With `isInDoubt`, Slack's answer was lost or could not be stored
 * - `Skipped`: nothing was sent. Another process holds its lease or has changed it, it was removed, or this process was
 *   too slow to send within its lease
 *
 * @since 0.1.0
 * @category models
 */
export type Result = Data.TaggedEnum<{
  Pending: { readonly key: Installation.CredentialKey }
  Exchanged: { readonly key: Installation.CredentialKey; readonly generation: number }
  AlreadyExchanged: { readonly key: Installation.CredentialKey; readonly error: OAuthV2Error.ExchangeError }
  Dead: { readonly key: Installation.CredentialKey; readonly error: OAuthV2Error.ExchangeError }
  Failed: {
    readonly key: Installation.CredentialKey
    readonly error: OAuthV2Error.ExchangeError | InstallationStore.InstallationStoreError
    readonly isInDoubt: boolean
  }
  Skipped: { readonly key: Installation.CredentialKey }
}>

/**
 * Makes results.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Result = Data.taggedEnum<Result>()

/**
 * The result for a store: how many results there are of each kind, and the ones that somebody has to look at.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  readonly pending: number
  readonly exchanged: number
  readonly alreadyExchanged: number
  readonly dead: number
  readonly failed: number
  readonly skipped: number
  /** The ones that were already exchanged, are dead, or failed; the first thousand. */
  readonly problems: ReadonlyArray<Result>
}

/**
 * The report of a migration that has not begun.
 *
 * @since 0.1.0
 * @category reports
 */
export const emptyReport: Report = {
  pending: 0,
  exchanged: 0,
  alreadyExchanged: 0,
  dead: 0,
  failed: 0,
  skipped: 0,
  problems: []
}

const fields = {
  Pending: "pending",
  Exchanged: "exchanged",
  AlreadyExchanged: "alreadyExchanged",
  Dead: "dead",
  Failed: "failed",
  Skipped: "skipped"
} as const

const isProblem = (result: Result): boolean =>
  result._tag === "AlreadyExchanged" || result._tag === "Dead" || result._tag === "Failed"

/**
 * The report with one more result.
 *
 * @since 0.1.0
 * @category reports
 */
export const addToReport = (report: Report, result: Result): Report => ({
  ...report,
  [fields[result._tag]]: report[fields[result._tag]] + 1,
  problems: isProblem(result) && report.problems.length < 1000 ? [...report.problems, result] : report.problems
})

// -------------------------------------------------------------------------------------
// one credential
// -------------------------------------------------------------------------------------

/** The codes which mean that the token does not work any more. After other codes it may still work. */
const ends = new Set(["token_revoked", "token_expired", "account_inactive"])

/** How often a call that Slack rejected is repeated. */
const repetitions = 5

/** Up to ten minutes, because the new tokens exist only here. */
const untilSaved = Schedule.union(Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")).pipe(
  Schedule.jittered,
  Schedule.upTo("10 minutes")
)

/** Spaces calls evenly. */
const makePacer = (spacing: number) => {
  let nextAt = 0
  let pausedUntil = 0
  /** Waits until the next call may begin. */
  const turn: Effect.Effect<void> = Effect.flatMap(uptime, (now) => {
    const at = Math.max(now, nextAt, pausedUntil)
    nextAt = at + spacing
    const recheck = Effect.flatMap(uptime, (now) => now < pausedUntil ? turn : Effect.void)
    return at > now ? Effect.zipRight(Effect.sleep(Math.ceil(at - now)), recheck) : Effect.void
  })
  /** Delays the next call. */
  const pause = (millis: number): Effect.Effect<void> =>
    Effect.map(uptime, (now) => {
      pausedUntil = Math.max(pausedUntil, now + millis)
    })
  return { turn, pause }
}

/** The result of a rotation. */
const resultOf = (
  key: Installation.CredentialKey,
  outcome: Rotation.Outcome<OAuthV2Error.ExchangeError>
): Effect.Effect<Result> => {
  switch (outcome._tag) {
    case "Missing":
    case "Current":
    case "Busy":
    case "Late":
      return Effect.succeed(Result.Skipped({ key }))
    case "Renewed":
      return Effect.succeed(Result.Exchanged({ key, generation: outcome.credential.generation }))
    case "Unsaved":
      return Effect.match(Effect.retry(outcome.save, untilSaved), {
        onSuccess: (saved) =>
          saved._tag === "Renewed"
            ? Result.Exchanged({ key, generation: saved.credential.generation })
            : Result.Skipped({ key }),
        onFailure: (error) => Result.Failed({ key, error, isInDoubt: true })
      })
    case "Dead":
      return Effect.succeed(Result.Dead({ key, error: outcome.error }))
    case "Failed": {
      const { error } = outcome
      return Effect.succeed(
        error._tag === "SlackTokenAlreadyExchanged"
          ? Result.AlreadyExchanged({ key, error })
          : Result.Failed({ key, error, isInDoubt: error.outcome === "unknown" })
      )
    }
  }
}

/** How long to wait before a failed exchange is repeated; `undefined` if it may not be. */
const pauseBeforeRepeating = (result: Result, attempt: number): number | undefined => {
  if (result._tag !== "Failed" || result.error._tag === "InstallationStoreError" || attempt >= repetitions) {
    return undefined
  }
  if (!RetryPolicy.isRepeatable(result.error)) return undefined
  return result.error.retryAfter === undefined
    ? 1000 * 2 ** attempt
    : Math.min(Duration.toMillis(result.error.retryAfter), longestPause)
}

// -------------------------------------------------------------------------------------
// the store
// -------------------------------------------------------------------------------------

/**
 * Migrates a store, and emits the result for each credential. An interrupted migration finishes the exchanges under way.
 *
 * When Slack says that an app's settings are wrong (rotation is not enabled, the secret is wrong), the other credentials of
 * that app fail with the same error and without a call.
 *
 * @since 0.1.0
 * @category migration
 */
export const stream = (
  options: Options = {}
): Stream.Stream<
  Result,
  ConfigError.ConfigError | InstallationStore.InstallationStoreError,
  OAuthV2.OAuthV2 | InstallationStore.InstallationStore
> =>
  Stream.unwrap(Effect.gen(function*() {
    const slack = yield* OAuthV2.OAuthV2
    const store = yield* InstallationStore.InstallationStore
    const context = yield* LayerContext.make()
    const leaseDuration = yield* checkDuration("leaseDuration", options.leaseDuration ?? "30 seconds")
    const pacer = makePacer(60_000 / (yield* checkRate("ratePerMinute", options.ratePerMinute ?? 50)))
    const concurrency = yield* checkCount("concurrency", options.concurrency ?? 8)
    const holder = randomToken()
    const bounded = InstallationStore.bounded(store, LeaseTime.millisOf("storeCall", leaseDuration))
    const misconfigured = new Map<string, OAuthV2Error.ExchangeError>()

    const isOurs = (key: Installation.CredentialKey): boolean =>
      (options.apps === undefined || options.apps(key.installation.appId) !== undefined) &&
      (options.only?.(key) ?? true)

    const call = (key: Installation.CredentialKey) => (credential: Installation.Credential) => {
      const app = options.apps?.(key.installation.appId)
      return slack.exchange({
        token: credential.token.accessToken,
        installation: Installation.placeOf(key.installation),
        ...(app === undefined ? undefined : { app })
      }).pipe(
        RetryPolicy.provide(RetryPolicy.none, {
          attemptTimeout: LeaseTime.millisOf("attempt", leaseDuration),
          budget: LeaseTime.millisOf("call", leaseDuration)
        })
      )
    }

    /** Not in the caller's database transaction: a rollback would take the new tokens with it. */
    const exchange = (
      key: Installation.CredentialKey
    ): Effect.Effect<Result, InstallationStore.InstallationStoreError> =>
      context.run(Effect.uninterruptible(
        Effect.flatMap(
          Rotation.rotate<OAuthV2Error.ExchangeError>(bounded, {
            key,
            verb: "exchange",
            holder: `${holder}-${key}`,
            leaseDuration,
            isDue: ({ reauthorization, token }) => Option.isNone(token.expiry) && Option.isNone(reauthorization),
            call: call(key),
            isDeath: ({ code }) => ends.has(code),
            repeatLost: false
          }),
          (outcome) => {
            if (outcome._tag === "Failed" && outcome.error.remedy === "configure") {
              misconfigured.set(key.installation.appId, outcome.error)
            }
            return resultOf(key, outcome)
          }
        )
      ))

    const migrate = (key: Installation.CredentialKey, attempt = 0): Effect.Effect<Result> =>
      Effect.suspend(() => {
        const error = misconfigured.get(key.installation.appId)
        if (error !== undefined) return Effect.succeed(Result.Failed({ key, error, isInDoubt: false }))
        return pacer.turn.pipe(
          Effect.zipRight(exchange(key)),
          Effect.catchAll((error) => Effect.succeed(Result.Failed({ key, error, isInDoubt: false }))),
          Effect.flatMap((result) => {
            const pause = pauseBeforeRepeating(result, attempt)
            return pause === undefined
              ? Effect.succeed(result)
              : Effect.zipRight(pacer.pause(pause), migrate(key, attempt + 1))
          })
        )
      })

    return InstallationStore.bounded(store).credentials({ state: "permanent" }).pipe(
      Stream.filter(({ key }) => isOurs(key)),
      options.dryRun === true
        ? Stream.map(({ key }): Result => Result.Pending({ key }))
        : Stream.mapEffect(({ key }) => Effect.tap(migrate(key), ({ _tag }) => Telemetry.exchanged(_tag)), {
          concurrency,
          unordered: true
        })
    )
  }))

/**
 * Migrates a store, and reports.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { TokenMigration } from "effect-slack-oauth"
 *
 * const program = TokenMigration.run({ dryRun: true }).pipe(
 *   Effect.map(({ pending }) => `${pending} tokens to exchange, in about ${Math.ceil(pending / 50)} minutes`)
 * )
 * ```
 *
 * @since 0.1.0
 * @category migration
 */
export const run = (
  options?: Options
): Effect.Effect<
  Report,
  ConfigError.ConfigError | InstallationStore.InstallationStoreError,
  OAuthV2.OAuthV2 | InstallationStore.InstallationStore
> => Stream.runFold(stream(options), emptyReport, addToReport)
