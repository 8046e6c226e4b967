/**
 * Turns long-lived tokens into rotating ones, with `oauth.v2.exchange`, over a whole store.
 *
 * Where it stands is in the store itself: what is left to do are the credentials without expiry. So it can be
 * interrupted and killed at any time, and goes on where it was when it is run again. An exchange cannot be undone, and
 * each token can be exchanged once. The old token works on until the new one is refreshed for the first time, so even
 * an answer that gets lost leaves the installation working.
 *
 * `docs/migration.md` is the guide.
 *
 * @see https://docs.slack.dev/authentication/using-token-rotation
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
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
import { checkCount, checkDuration, checkRate } from "./internal/options.js"
import { randomToken } from "./internal/random.js"
import { longestPause } from "./internal/retryAfter.js"
import { rotate } from "./internal/rotation.js"
import * as Telemetry from "./internal/telemetry.js"
import * as OAuthV2 from "./OAuthV2.js"
import type * as OAuthV2Error from "./OAuthV2Error.js"
import * as RetryPolicy from "./RetryPolicy.js"
import type * as SlackApp from "./SlackApp.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * How a migration works. Everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** Says what would be done, and does nothing. */
  readonly dryRun?: boolean | undefined
  /** How many calls a minute, repetitions included, evenly spaced; 50 by default, about what Slack allows. */
  readonly ratePerMinute?: number | undefined
  /** How many exchanges are under way at once; 8 by default. */
  readonly concurrency?: number | undefined
  /** Lease time: how long a process may hold a credential before others assume that it crashed; 30 seconds by default. */
  readonly leaseDuration?: Duration.DurationInput | undefined
  /** Which credentials; all, by default. */
  readonly only?: ((key: Installation.CredentialKey) => boolean) | undefined
  /**
   * The app to speak for, by app id, where the store has the installations of several; otherwise the one that `OAuthV2`
   * was given. Credentials of an app that comes out `undefined` are left out.
   */
  readonly apps?: ((appId: string) => SlackApp.Service | undefined) | undefined
}

/**
 * What became of one credential.
 *
 * - `Pending`: it would be exchanged (a dry run)
 * - `Exchanged`: it rotates now
 * - `AlreadyExchanged`: Slack says that this token was exchanged before, and the store does not have what came of it.
 *   The credential stays as it is, and works as long as nobody refreshes the lost one. Install again to have it rotate
 * - `Dead`: Slack does not take the token any more, and that is stored
 * - `Failed`: the credential stays as it is. With `isInDoubt`, Slack's answer got lost or could not be stored
 * - `Skipped`: somebody else is at work on it or has changed it, or it is gone
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
 * What became of a store: how many of each result, and those that somebody has to look at.
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

/** The codes by which Slack says that the token itself is over. Others leave a token that may work. */
const ends = new Set(["token_revoked", "token_expired", "account_inactive"])

/** How often a call is repeated that Slack did nothing with. */
const repetitions = 5

/** As long as it takes, within reason: the pair exists nowhere else. */
const untilSaved = Schedule.union(Schedule.exponential("200 millis"), Schedule.spaced("10 seconds")).pipe(
  Schedule.jittered,
  Schedule.upTo("10 minutes")
)

/** Lets calls begin one after the other, evenly spaced. */
const makeGate = (spacing: number) => {
  let nextAt = 0
  let closedUntil = 0
  const pass: Effect.Effect<void> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const at = Math.max(now, nextAt, closedUntil)
    nextAt = at + spacing
    const recheck = Effect.flatMap(Clock.currentTimeMillis, (now) => now < closedUntil ? pass : Effect.void)
    return at > now ? Effect.zipRight(Effect.sleep(Math.ceil(at - now)), recheck) : Effect.void
  })
  /** Nobody passes for a while. */
  const close = (millis: number): Effect.Effect<void> =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      closedUntil = Math.max(closedUntil, now + millis)
    })
  return { pass, close }
}

// -------------------------------------------------------------------------------------
// the store
// -------------------------------------------------------------------------------------

/**
 * Migrates a store, and tells what became of each credential. Interrupted, it finishes the exchanges under way first.
 *
 * Once Slack says that an app's settings are wrong (rotation is not enabled, the secret is not right), the other
 * credentials of that app fail with the same error and without a call.
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
    const gate = makeGate(60_000 / (yield* checkRate("ratePerMinute", options.ratePerMinute ?? 50)))
    const concurrency = yield* checkCount("concurrency", options.concurrency ?? 8)
    const holder = randomToken()
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
          attemptTimeout: Math.ceil(Duration.toMillis(leaseDuration) / 3),
          budget: Math.ceil(Duration.toMillis(leaseDuration) / 2)
        })
      )
    }

    const failed = (key: Installation.CredentialKey, error: OAuthV2Error.ExchangeError): Result => {
      if (error._tag === "SlackTokenAlreadyExchanged") return Result.AlreadyExchanged({ key, error })
      if (error.remedy === "configure") misconfigured.set(key.installation.appId, error)
      return Result.Failed({ key, error, isInDoubt: error.outcome === "unknown" })
    }

    /** Not in the caller's database transaction: one that is rolled back would take the new tokens with it. */
    const once = (key: Installation.CredentialKey): Effect.Effect<Result, InstallationStore.InstallationStoreError> =>
      context.run(Effect.uninterruptible(
        Effect.flatMap(
          rotate<OAuthV2Error.ExchangeError>(store, {
            key,
            verb: "exchange",
            holder: `${holder}-${key}`,
            leaseDuration,
            isDue: ({ reauthorization, token }) => Option.isNone(token.expiry) && Option.isNone(reauthorization),
            call: call(key),
            isDeath: ({ code }) => ends.has(code),
            repeatLost: false
          }),
          (outcome): Effect.Effect<Result> => {
            switch (outcome._tag) {
              case "Missing":
              case "Current":
              case "Busy":
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
              case "Failed":
                return Effect.succeed(failed(key, outcome.error))
            }
          }
        )
      ))

    const migrate = (key: Installation.CredentialKey, attempt = 0): Effect.Effect<Result> =>
      Effect.suspend(() => {
        const error = misconfigured.get(key.installation.appId)
        if (error !== undefined) return Effect.succeed(Result.Failed({ key, error, isInDoubt: false }))
        return gate.pass.pipe(
          Effect.zipRight(once(key)),
          Effect.catchAll((error) => Effect.succeed(Result.Failed({ key, error, isInDoubt: false }))),
          Effect.flatMap((result) => {
            if (result._tag !== "Failed" || result.error._tag === "InstallationStoreError" || attempt >= repetitions) {
              return Effect.succeed(result)
            }
            if (!RetryPolicy.isRepeatable(result.error)) return Effect.succeed(result)
            const pause = result.error.retryAfter === undefined
              ? 1000 * 2 ** attempt
              : Math.min(Duration.toMillis(result.error.retryAfter), longestPause)
            return Effect.zipRight(gate.close(pause), migrate(key, attempt + 1))
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
