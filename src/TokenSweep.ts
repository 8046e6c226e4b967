/**
 * Refreshes ahead of time: tokens whose time has come are refreshed in the background, so that nobody who asks for one
 * has to wait, and those that nobody asks for live on.
 *
 * A fleet that was installed in one hour would have to be refreshed in one hour, every ten hours, for ever. So some
 * are refreshed earlier than they need to be, until the work is spread. Any number of processes may sweep the same
 * store: they take the credentials in the same order, and for what another has done they make no call.
 *
 * `docs/token-rotation.md` has the arithmetic.
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
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as InstallationStore from "./InstallationStore.js"
import * as LayerContext from "./internal/layerContext.js"
import { checkCount, checkDuration, checkRate } from "./internal/options.js"
import * as TokenManager from "./TokenManager.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * How a sweep works. Everything has a default.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /**
   * How long before its expiry a token is to be refreshed; 2 hours by default, and at most half of the token's life.
   */
  readonly window?: Duration.DurationInput | undefined
  /** How often to look; every minute by default. */
  readonly interval?: Duration.DurationInput | undefined
  /**
   * How many refreshes a minute one process makes at the most; 600 by default, Slack's limit for one workspace. A fleet
   * needs about one six-hundredth of its size, so this is enough for 300,000 credentials.
   */
  readonly ratePerMinute?: number | undefined
  /** How many refreshes run at once; 16 by default. */
  readonly concurrency?: number | undefined
  /** Which apps to look after, by app id, where others use the same store; all, by default. */
  readonly apps?: ((appId: string) => boolean) | undefined
}

/**
 * What a pass did.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  /** Credentials whose time had come, as far as the rate allowed. */
  readonly urgent: number
  /** Credentials that were taken ahead of their time, for the sake of spread. */
  readonly early: number
  /** Of both: those that have a new token now. */
  readonly renewed: number
  /** Of both: those that somebody else had refreshed or removed, or that have no refresh token. */
  readonly current: number
  /** Of both: those that will be tried again later. */
  readonly failed: number
  /** Of both: those that turned out to be dead. */
  readonly dead: number
  /** Refresh tokens that are about to die. Counted when the fleet is. */
  readonly dying: number
  /** Whether the rate left some undone whose time had come. */
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
  /** One pass, for whoever has a schedule of their own. Passes are not to overlap. */
  readonly pass: Effect.Effect<Report, InstallationStore.InstallationStoreError>
}

// -------------------------------------------------------------------------------------
// the plan
// -------------------------------------------------------------------------------------

interface Candidate {
  readonly key: InstallationStore.CredentialInfo["key"]
  readonly generation: number
  readonly expiresAt: number
}

const candidateOf = ({ expiresAt, generation, key }: InstallationStore.CredentialInfo): Candidate => ({
  key,
  generation,
  expiresAt: Option.match(expiresAt, { onNone: () => 0, onSome: DateTime.toEpochMillis })
})

/** What one look at the whole fleet said. */
interface Plan {
  readonly madeAt: number
  /** How long it takes on average from one refresh to the next, in milliseconds. */
  readonly period: number
  /** Refreshes a millisecond that the fleet may take: a quarter more than it needs on average. */
  readonly rate: number
  /** The ones whose time comes first. */
  readonly candidates: Array<Candidate>
  /** How many have their time by the end of each bucket of {@link Plan.bucket} milliseconds. */
  readonly dueBy: Float64Array
  readonly bucket: number
  /** How many were done since. */
  done: number
}

/** By how many the work that is due by some time exceeds what the rate can do until then, at the worst such time. */
const pressureOf = ({ bucket, done, dueBy, madeAt, rate }: Plan, now: number): number => {
  const elapsed = now - madeAt
  let pressure = 0
  for (let at = Math.floor(elapsed / bucket); at < dueBy.length; at++) {
    pressure = Math.max(pressure, (dueBy[at] ?? 0) - done - rate * ((at + 1) * bucket - elapsed))
  }
  return pressure
}

const headroom = 1.25

/** Slack's tokens live twelve hours, and are refreshed two hours before they end. */
const usualPeriod = 10 * 3_600_000

/** How often the whole fleet is looked at: for Slack's tokens, every half hour. */
const looksPerPeriod = 20

/** How finely the time until a refresh is looked at. */
const bucketsPerPeriod = 120

/** The bucket for all that is far away. */
const lastBucket = 10 * bucketsPerPeriod

const endOfTime = DateTime.unsafeMake(8.64e15)

/** From a second to a quarter of an hour, doubling. */
const pauseAfter = (attempts: number): number => Math.min(60_000 * 2 ** attempts, 15 * 60_000)

/** How many failures in a row, without a success, end a pass: Slack or the store is down. */
const enough = 20

// -------------------------------------------------------------------------------------
// sweeping
// -------------------------------------------------------------------------------------

/**
 * Makes a sweep. Fails if an option cannot be used, which the error names.
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
    const window = Duration.toMillis(yield* checkDuration("window", options.window ?? "2 hours"))
    const interval = Duration.toMillis(yield* checkDuration("interval", options.interval ?? "1 minute"))
    const ratePerMinute = yield* checkRate("ratePerMinute", options.ratePerMinute ?? 600)
    const most = Math.max(1, Math.floor(ratePerMinute * interval / 60_000))
    const concurrency = yield* checkCount("concurrency", options.concurrency ?? 16)
    const isOurs = ({ key }: Pick<Candidate, "key">) => options.apps?.(key.installation.appId) ?? true

    /**
     * Until when credentials are left alone, so that they do not keep others from their turn: those that failed, and by
     * generation those that have no refresh token.
     */
    const resting = new Map<string, { readonly attempts: number; readonly until: number }>()
    const nameOf = ({ generation, key }: Pick<Candidate, "key" | "generation">) => `${key}#${generation}`
    const isRested = (candidate: Pick<Candidate, "key" | "generation">, now: number) =>
      [String(candidate.key), nameOf(candidate)].every((id) => (resting.get(id)?.until ?? 0) <= now)

    let plan: Plan | undefined
    let carry = 0
    let lastPassAt: number | undefined
    let warned = new Set<string>()

    /** How long from now until a credential's time has come; 0 or less if it has. */
    const slackOf = (info: InstallationStore.CredentialInfo, now: number): { slack: number; period: number } => {
      const expiresAt = Option.match(info.expiresAt, { onNone: () => 0, onSome: DateTime.toEpochMillis })
      const life = expiresAt - DateTime.toEpochMillis(info.issuedAt)
      const own = Math.min(window, life / 2)
      return { slack: expiresAt - own - now, period: life - own }
    }

    const look = (now: number, rotating: number) =>
      Effect.gen(function*() {
        const kept = Math.ceil(rotating / 8) + 100
        const bucket = (plan?.period ?? usualPeriod) / bucketsPerPeriod
        const dueBy = new Float64Array(lastBucket)
        const candidates: Array<Candidate> = []
        const dying: Array<string> = []
        let count = 0
        let periods = 0
        yield* Stream.runForEachChunk(
          store.credentials({ state: "rotating", expiresBefore: endOfTime }),
          (chunk) =>
            Effect.gen(function*() {
              for (const info of chunk) {
                if (!isOurs(info)) continue
                const { period, slack } = slackOf(info, now)
                count++
                periods += period
                const at = Math.max(0, Math.floor(slack / bucket))
                if (at < lastBucket) dueBy[at] = (dueBy[at] ?? 0) + 1
                if (candidates.length < kept) candidates.push(candidateOf(info))
                const name = nameOf(info)
                if (warned.has(name) || (yield* manager.warn(info))) dying.push(name)
              }
            })
        )
        warned = new Set(dying)
        const average = count === 0 ? usualPeriod : Math.max(periods / count, 1)
        const rate = headroom * count / average
        for (let at = 1; at < lastBucket; at++) dueBy[at] = (dueBy[at] ?? 0) + (dueBy[at - 1] ?? 0)
        const next: Plan = { madeAt: now, period: average, rate, candidates, dueBy, bucket, done: 0 }
        return { plan: next, dying: dying.length }
      })

    const pass: Sweep["pass"] = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const elapsed = lastPassAt === undefined ? interval : Math.min(now - lastPassAt, 10 * interval)
      lastPassAt = now

      let health = Option.none<TokenManager.Health>()
      let dying = 0
      if (plan === undefined || now - plan.madeAt >= plan.period / looksPerPeriod) {
        const counted = yield* manager.health
        health = Option.some(counted)
        const looked = yield* look(now, counted.fresh + counted.expiring)
        plan = looked.plan
        dying = looked.dying
        for (const [id, { until }] of resting) if (until + 3_600_000 < now) resting.delete(id)
      }
      const current = plan

      // What is due, in the order of expiry, and one more to know whether that was all.
      const due = yield* store.credentials({
        state: "rotating",
        expiresBefore: DateTime.unsafeMake(now + window)
      }).pipe(
        Stream.filter((info) => isOurs(info) && isRested(info, now) && slackOf(info, now).slack <= 0),
        Stream.map(candidateOf),
        Stream.take(most + 1),
        Stream.runCollect,
        Effect.map((chunk) => Array.from(chunk))
      )
      const behind = due.length > most
      const urgent = due.slice(0, most)

      // What is not due yet and is done anyway, as far as the rate has room for it. A little pressure is chance.
      carry = Math.min(carry + current.rate * elapsed, 2 * current.rate * elapsed + 1)
      const share = Math.min(carry, most) - urgent.length
      carry = Math.max(0, carry - urgent.length)
      const tolerated = Math.max(10, current.rate * interval)
      const pressure = pressureOf(current, now) - urgent.length
      const wanted = pressure > tolerated ? Math.floor(Math.min(share, pressure)) : 0
      const isUrgent = new Set(wanted > 0 ? urgent.map(({ key }) => String(key)) : [])
      const early: Array<Candidate> = []
      while (early.length < wanted && current.candidates.length > 0) {
        early.push(
          ...current.candidates.splice(0, wanted - early.length).filter((candidate) =>
            !isUrgent.has(String(candidate.key)) && isRested(candidate, now)
          )
        )
      }
      carry -= early.length

      const counts = { renewed: 0, current: 0, failed: 0, dead: 0 }
      const failed = ({ key }: Candidate, hint: number) => {
        const id = String(key)
        const attempts = resting.get(id)?.attempts ?? 0
        resting.set(id, { attempts: attempts + 1, until: now + Math.max(pauseAfter(attempts), hint) })
        counts.failed++
      }
      yield* Effect.forEach(
        [...urgent, ...early],
        (candidate) =>
          Effect.suspend(() =>
            counts.failed >= enough && counts.renewed === 0
              ? Effect.void
              : Effect.match(manager.refresh(candidate.key, { generation: candidate.generation }), {
                onSuccess: (how) => {
                  if (how === "Stale") return failed(candidate, 0)
                  counts[how === "Renewed" ? "renewed" : "current"]++
                  resting.delete(String(candidate.key))
                  // If this generation is still there, it has no refresh token: nothing to do until it ends.
                  if (how === "Current") resting.set(nameOf(candidate), { attempts: 0, until: candidate.expiresAt })
                },
                onFailure: (error) => {
                  if (error._tag === "TokenUnavailable") return failed(candidate, Duration.toMillis(error.retryAfter))
                  counts[error._tag === "ReauthorizationRequired" ? "dead" : "current"]++
                }
              })
          ),
        { concurrency, discard: true }
      )
      current.done += counts.renewed + counts.current + counts.dead

      const report: Report = { urgent: urgent.length, early: early.length, ...counts, dying, behind, health }
      if (behind) {
        yield* Effect.logWarning(
          `TokenSweep: more tokens run out than ${most} refreshes can renew. Raise ratePerMinute, or sweep more often.`
        )
      }
      yield* Effect.logDebug(
        `TokenSweep: ${report.urgent} due, ${report.early} ahead of time; ${report.renewed} renewed, ` +
          `${report.failed} failed, ${report.dead} dead`
      )
      return report
    }).pipe(Effect.withSpan("TokenSweep.pass", { captureStackTrace: false, root: true }))

    return { pass }
  })

/**
 * One pass over the store, for a job that runs by a schedule from outside. What a {@link layer} remembers from one pass
 * to the next, this looks up each time.
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
 * Sweeps as long as the program runs, from a random moment of the first interval on. A pass that fails is told to the
 * log, and the next one comes in its time.
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
      const work = sweep.pass.pipe(
        Effect.catchAllCause((cause) => Effect.logWarning("TokenSweep: a pass failed", cause)),
        Effect.repeat(Schedule.fixed(interval)),
        Effect.delay(Math.floor(Duration.toMillis(interval) * start))
      )
      yield* context.fork(work, yield* Effect.scope)
    })
  )
