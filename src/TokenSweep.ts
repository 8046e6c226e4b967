/**
 * Refreshes in the background: tokens that are due are refreshed before anybody asks for them. So no caller has to wait,
 * and credentials that nobody asks for stay alive.
 *
 * A fleet that was installed within an hour would have to be refreshed within an hour, and again every ten hours. So some
 * credentials are refreshed before they are due, until the work is spread. Any number of processes may sweep the same
 * store: they take the credentials in the same order, and make no call for a credential that another has refreshed.
 *
 * `docs/background-refresh.md` has the arithmetic.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as ConfigError from "effect/ConfigError"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as InstallationStore from "./InstallationStore.js"
import { endOfTime } from "./internal/expiry.js"
import * as LayerContext from "./internal/layerContext.js"
import * as SweepPlan from "./internal/sweepPlan.js"
import type { Candidate, Plan } from "./internal/sweepPlan.js"
import { settingsOf } from "./internal/sweepSettings.js"
import * as TokenManager from "./TokenManager.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * The options of a sweep. Each has a default.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** How long before its expiry a token is refreshed; 2 hours by default, and at most half of the token's life. */
  readonly window?: Duration.DurationInput | undefined
  /** The time from one pass to the next while there is work; a minute by default. */
  readonly interval?: Duration.DurationInput | undefined
  /**
   * The most refreshes that one process makes in a minute; 600 by default, Slack's limit for one workspace. A fleet needs
   * about one six-hundredth of its size, so this is enough for 300,000 credentials.
   */
  readonly ratePerMinute?: number | undefined
  /** How many refreshes run at once; 16 by default. */
  readonly concurrency?: number | undefined
  /** Which apps to refresh, by app id, if several use the same store; all, by default. */
  readonly apps?: ((appId: string) => boolean) | undefined
}

/**
 * What a pass did.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  /** Credentials that were due, as far as the rate allowed. */
  readonly urgent: number
  /** Credentials that were refreshed before they were due, to spread the work. */
  readonly early: number
  /** Of both: credentials that have a new token now. */
  readonly renewed: number
  /** Of both: credentials that another process had refreshed or removed, or that have no refresh token. */
  readonly current: number
  /** Of both: credentials that will be tried again later. */
  readonly failed: number
  /** Of both: credentials that turned out to be dead. */
  readonly dead: number
  /** Refresh tokens that expire soon. Counted when the fleet is. */
  readonly dying: number
  /** Whether more credentials were due than the rate allowed. */
  readonly behind: boolean
  /** The fleet, if it was counted in this pass. */
  readonly health: Option.Option<TokenManager.Health>
}

/**
 * A sweep, with what it remembers from one pass to the next.
 *
 * @since 0.1.0
 * @category models
 */
export interface Sweep {
  /** One pass, for callers with a schedule of their own. Passes must not overlap. */
  readonly pass: Effect.Effect<Report, InstallationStore.InstallationStoreError>
  /**
   * How long to wait from the begin of the last pass to the next one: the interval, or longer if there is nothing to do
   * until then. It is never longer than a twentieth of the time between two refreshes of a token: half an hour for Slack's
   * tokens.
   */
  readonly pause: Effect.Effect<Duration.Duration>
}

// -------------------------------------------------------------------------------------
// credentials that are left alone
// -------------------------------------------------------------------------------------

/** What a refresh is for: a credential, of one generation. */
type Target = Pick<Candidate, "key" | "generation">

const nameOf = ({ generation, key }: Target): string => `${key}#${generation}`

/** How long a credential rests after failures: a minute, doubling up to a quarter of an hour. */
const restAfter = (attempts: number): number => Math.min(60_000 * 2 ** attempts, 15 * 60_000)

/** Credentials that rest for a while, so that others are refreshed in that time. */
const makeResting = () => {
  const resting = new Map<string, { readonly attempts: number; readonly until: number }>()
  return {
    isRested: (target: Target, now: number): boolean =>
      [String(target.key), nameOf(target)].every((id) => (resting.get(id)?.until ?? 0) <= now),
    /** A refresh failed, with a hint how long to wait. */
    failed: ({ key }: Target, now: number, hint: number): void => {
      const id = String(key)
      const attempts = resting.get(id)?.attempts ?? 0
      resting.set(id, { attempts: attempts + 1, until: now + Math.max(restAfter(attempts), hint) })
    },
    succeeded: ({ key }: Target): void => {
      resting.delete(String(key))
    },
    /** There is nothing to do for this generation before its token expires. */
    restUntilExpiry: (candidate: Candidate): void => {
      resting.set(nameOf(candidate), { attempts: 0, until: candidate.expiresAt })
    },
    /** Whether a credential rests because a refresh failed. */
    hasFailed: (now: number): boolean =>
      Array.from(resting.values()).some(({ attempts, until }) => attempts > 0 && until > now),
    /** Forgets the rests that ended an hour ago. */
    clean: (now: number): void => {
      for (const [id, { until }] of resting) if (until + 3_600_000 < now) resting.delete(id)
    }
  }
}

type Resting = ReturnType<typeof makeResting>

// -------------------------------------------------------------------------------------
// sweeping
// -------------------------------------------------------------------------------------

/** A pass ends after so many failures without a success: Slack or the store is down. */
const enough = 20

/** Refreshes candidates. It stops after {@link enough} failures without a success. */
const refreshAll = (
  { concurrency, manager, resting }: {
    readonly concurrency: number
    readonly manager: TokenManager.Service
    readonly resting: Resting
  },
  candidates: ReadonlyArray<Candidate>,
  now: number
) =>
  Effect.gen(function*() {
    const counts = { renewed: 0, current: 0, failed: 0, dead: 0 }
    const failed = (candidate: Candidate, hint: number) => {
      resting.failed(candidate, now, hint)
      counts.failed++
    }
    const refresh = (candidate: Candidate) =>
      Effect.match(manager.refresh(candidate.key, { generation: candidate.generation }), {
        onSuccess: (how) => {
          if (how === "Stale") return failed(candidate, 0)
          counts[how === "Renewed" ? "renewed" : "current"]++
          resting.succeeded(candidate)
          // If this generation is still stored, it has no refresh token.
          if (how === "Current") resting.restUntilExpiry(candidate)
        },
        onFailure: (error) => {
          if (error._tag === "TokenUnavailable") return failed(candidate, Duration.toMillis(error.retryAfter))
          counts[error._tag === "ReauthorizationRequired" ? "dead" : "current"]++
        }
      })
    yield* Effect.forEach(
      candidates,
      (candidate) =>
        Effect.suspend(() => counts.failed >= enough && counts.renewed === 0 ? Effect.void : refresh(candidate)),
      { concurrency, discard: true }
    )
    return counts
  })

/**
 * Makes a sweep. Fails if an option cannot be used; the error names the option.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make = (
  options: Options = {}
): Effect.Effect<
  Sweep,
  ConfigError.ConfigError,
  TokenManager.TokenManager | InstallationStore.InstallationStore
> =>
  Effect.gen(function*() {
    const manager = yield* TokenManager.TokenManager
    const store = InstallationStore.bounded(yield* InstallationStore.InstallationStore)
    const { concurrency, interval, isOurs, most, window } = yield* settingsOf(options)
    const resting = makeResting()
    let plan: Plan | undefined
    let allowanceLeft = 0
    let lastPassAt: number | undefined
    let wasIdle = false
    let warned = new Set<string>()

    /** Reads the whole fleet: counts it, warns of refresh tokens that expire soon, and makes a new plan. */
    const readAll = (now: number) =>
      Effect.gen(function*() {
        const health = yield* manager.health
        const draft = SweepPlan.draft(now, window, health.fresh + health.expiring, plan)
        const expiring = new Set<string>()
        yield* Stream.runForEachChunk(
          store.credentials({ state: "rotating", expiresBefore: DateTime.unsafeMake(endOfTime) }),
          (chunk) =>
            Effect.gen(function*() {
              for (const info of chunk) {
                if (!isOurs(info)) continue
                draft.add(info)
                const name = nameOf(info)
                if (warned.has(name) || (yield* manager.warn(info))) expiring.add(name)
              }
            })
        )
        warned = expiring
        plan = draft.finish()
        resting.clean(now)
        return { plan, health: Option.some(health), dying: expiring.size }
      })

    /** The plan, or a new one if it is old. */
    const planAt = (now: number) =>
      plan === undefined || SweepPlan.isOld(plan, now)
        ? readAll(now)
        : Effect.succeed({ plan, health: Option.none<TokenManager.Health>(), dying: 0 })

    /** The credentials that are due, in the order of their expiry: one more than a pass takes, if there are so many. */
    const dueAt = (now: number) =>
      store.credentials({ state: "rotating", expiresBefore: DateTime.unsafeMake(now + window) }).pipe(
        Stream.filter((info) =>
          isOurs(info) && resting.isRested(info, now) && SweepPlan.dueOf(info, window).dueAt <= now
        ),
        Stream.map(SweepPlan.candidateOf),
        Stream.take(most + 1),
        Stream.runCollect,
        Effect.map((chunk) => Array.from(chunk))
      )

    const pass = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const elapsed = lastPassAt === undefined ? interval : Math.min(now - lastPassAt, 10 * interval)
      lastPassAt = now
      wasIdle = false

      const { dying, health, plan } = yield* planAt(now)
      const due = yield* dueAt(now)
      const urgent = due.slice(0, most)

      const { left, wanted } = SweepPlan.earlyShare(plan, now, {
        before: allowanceLeft,
        due: urgent.length,
        elapsed,
        interval,
        most
      })
      const isUrgent = new Set(wanted > 0 ? urgent.map(({ key }) => String(key)) : [])
      const early = SweepPlan.takeEarly(
        plan,
        wanted,
        (candidate) => !isUrgent.has(String(candidate.key)) && resting.isRested(candidate, now)
      )
      allowanceLeft = left - early.length

      const counts = yield* refreshAll({ concurrency, manager, resting }, [...urgent, ...early], now)
      plan.done += counts.renewed + counts.current + counts.dead
      const report: Report = {
        urgent: urgent.length,
        early: early.length,
        ...counts,
        dying,
        behind: due.length > most,
        health
      }
      wasIdle = due.length === 0 && wanted === 0 && !resting.hasFailed(now)
      yield* logReport(report, most)
      return report
    })

    const pause = Effect.sync(() => {
      if (!wasIdle || plan === undefined || lastPassAt === undefined) return Duration.millis(interval)
      const intervals = Math.floor((SweepPlan.quietUntil(plan, lastPassAt) - lastPassAt) / interval)
      return Duration.millis(interval * Math.max(1, intervals))
    })

    return {
      pause,
      pass: Effect.withSpan(pass, "TokenSweep.pass", { captureStackTrace: false, root: true })
    }
  })

const logReport = (report: Report, most: number): Effect.Effect<void> =>
  Effect.zipRight(
    report.behind
      ? Effect.logWarning(
        `TokenSweep: more tokens expire than ${most} refreshes a pass can renew. Raise ratePerMinute, or sweep more often.`
      )
      : Effect.void,
    Effect.logDebug(
      `TokenSweep: ${report.urgent} due, ${report.early} ahead of time; ${report.renewed} renewed, ` +
        `${report.failed} failed, ${report.dead} dead`
    )
  )

/**
 * One pass, for a job that something else schedules. It reads the whole fleet each time, where a {@link layer} remembers
 * from one pass to the next.
 *
 * @since 0.1.0
 * @category operations
 */
export const pass = (
  options?: Options
): Effect.Effect<
  Report,
  ConfigError.ConfigError | InstallationStore.InstallationStoreError,
  TokenManager.TokenManager | InstallationStore.InstallationStore
> => Effect.flatMap(make(options), (sweep) => sweep.pass)

/**
 * Sweeps as long as the program runs, from a random moment in the first interval on. A pass that fails is logged, and the
 * next one runs as planned. While no token is due, passes are up to half an hour apart.
 *
 * @example
 * ```ts
 * import { Layer } from "effect"
 * import { InstallationStore, TokenManager, TokenSweep } from "effect-slack-oauth"
 *
 * const TokensLive = TokenSweep.layer({ ratePerMinute: 300 }).pipe(
 *   Layer.provideMerge(TokenManager.layer()),
 *   Layer.provideMerge(InstallationStore.layerMemory)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<
  never,
  ConfigError.ConfigError,
  TokenManager.TokenManager | InstallationStore.InstallationStore
> =>
  Layer.scopedDiscard(
    Effect.gen(function*() {
      const sweep = yield* make(options)
      const interval = Duration.decode(options.interval ?? "1 minute")
      const start = yield* Random.next
      const context = yield* LayerContext.make()
      const once = Effect.gen(function*() {
        const begun = yield* Clock.currentTimeMillis
        yield* Effect.catchAllCause(sweep.pass, (cause) => Effect.logWarning("TokenSweep: a pass failed", cause))
        const pause = yield* sweep.pause
        yield* Effect.sleep(Math.max(0, begun + Duration.toMillis(pause) - (yield* Clock.currentTimeMillis)))
      })
      const work = Effect.delay(Effect.forever(once), Math.floor(Duration.toMillis(interval) * start))
      yield* context.fork(work, yield* Effect.scope)
    })
  )
