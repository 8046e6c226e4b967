/**
 * When a failed call is repeated, and how long it may take.
 *
 * Authorization codes, refresh tokens and legacy tokens work once. So a call is repeated only if Slack certainly did
 * not act on it (`outcome` is `rejected`) and waiting can help (`remedy` is `retry`). No schedule overrides this.
 *
 * Do not put other retries around or under {@link OAuthV2}, such as `HttpClient.retryTransient`. They also repeat a
 * call whose answer was lost, and that call may have spent the grant.
 *
 * @since 0.1.0
 */
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import { waits } from "./internal/effect/schedules.js"
import { checkDuration } from "./internal/options.js"
import * as Retry from "./internal/retry.js"
import type { OAuthV2Error } from "./OAuthV2Error.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * The limits of a call.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /** How long an attempt may take. After that it fails with `SlackTimeoutError`. */
  readonly attemptTimeout: Duration.Duration
  /** How long the call may take, with all its attempts and the waits between them. */
  readonly budget: Duration.Duration
}

/**
 * A schedule over the errors of this package, with limits. It composes like every `Schedule`. The result of a
 * composition is a plain schedule, without the limits.
 *
 * @since 0.1.0
 * @category models
 */
export interface Policy extends Schedule.Schedule<Duration.Duration, OAuthV2Error>, Limits {
  /** The same waits without the budget, for policies with another budget. */
  readonly unlimited: Schedule.Schedule<Duration.Duration, OAuthV2Error>
}

/**
 * The retry policy of {@link OAuthV2}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service extends Limits {
  readonly schedule: Schedule.Schedule<unknown, OAuthV2Error>
  /** Runs before each repetition, after the wait. If it returns `false`, the call fails with the last error. */
  readonly mayRepeat?: Effect.Effect<boolean> | undefined
}

/**
 * The options besides the schedule. Limits that are not set are those of the {@link Policy}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly attemptTimeout?: Duration.DurationInput | undefined
  readonly budget?: Duration.DurationInput | undefined
  readonly mayRepeat?: Effect.Effect<boolean> | undefined
}

/**
 * The retry policy. A call uses the policy that is provided to it ({@link provide}), otherwise the policy of its
 * `OAuthV2.layer` ({@link layer}), otherwise {@link interactive}.
 *
 * @since 0.1.0
 * @category tags
 */
export class RetryPolicy extends Context.Tag("effect-slack-oauth/RetryPolicy")<RetryPolicy, Service>() {}

/**
 * Whether the same call may be sent again: Slack did not act on it, and waiting can help.
 *
 * @since 0.1.0
 * @category guards
 */
export const isRepeatable: (error: OAuthV2Error) => boolean = Retry.isRepeatable

// -------------------------------------------------------------------------------------
// schedules
// -------------------------------------------------------------------------------------

/**
 * Waits as long as Slack asks, and up to a tenth longer, so that many clients do not call again at the same time. If
 * Slack does not ask, each wait is twice as long as the one before, plus or minus a fifth.
 */
const backoff = (firstMillis: number, longestMillis: number): Schedule.Schedule<Duration.Duration, OAuthV2Error> =>
  waits((error: OAuthV2Error, repetitions) =>
    Retry.isRepeatable(error)
      ? Effect.map(Random.next, (random) => {
        const hint = error.retryAfter === undefined ? 0 : Duration.toMillis(error.retryAfter)
        return Math.ceil(
          hint > 0
            ? hint * (1 + random / 10)
            : Math.min(firstMillis * 2 ** repetitions, longestMillis) * (0.8 + random * 0.4)
        )
      })
      : Effect.succeed(undefined)
  )

const policy = (schedule: Schedule.Schedule<Duration.Duration, OAuthV2Error>, limits: Limits): Policy =>
  Object.assign(Retry.withinBudget(schedule, limits.budget), limits, { unlimited: schedule })

/**
 * For calls that a browser waits for: ten seconds for everything, and waits of about 0.3 s, 0.6 s and so on. If Slack
 * asks to wait longer than the budget allows, the call fails at once, and the error has `retryAfter`.
 *
 * @since 0.1.0
 * @category schedules
 */
export const interactive: Policy = policy(backoff(300, 5000), {
  attemptTimeout: Duration.seconds(10),
  budget: Duration.seconds(10)
})

/**
 * For calls that nobody waits for: ten minutes for everything, 30 seconds for an attempt, and waits of about 1 s, 2 s
 * and so on, up to a minute. If Slack asks to wait longer than the budget allows, the call fails at once, and the error
 * has `retryAfter`.
 *
 * @since 0.1.0
 * @category schedules
 */
export const background: Policy = policy(backoff(1000, 60_000), {
  attemptTimeout: Duration.seconds(30),
  budget: Duration.minutes(10)
})

/**
 * One attempt of at most ten seconds.
 *
 * @since 0.1.0
 * @category schedules
 */
export const none: Policy = policy(waits(() => Effect.succeed(undefined)), {
  attemptTimeout: Duration.seconds(10),
  budget: Duration.seconds(10)
})

// -------------------------------------------------------------------------------------
// layers and combinators
// -------------------------------------------------------------------------------------

const service = (
  schedule: Schedule.Schedule<unknown, OAuthV2Error> | Policy,
  options?: Options
): Either.Either<Service, ConfigError.ConfigError> => {
  const own: Partial<Policy> = "unlimited" in schedule ? schedule : {}
  const { attemptTimeout = own.attemptTimeout ?? interactive.attemptTimeout } = options ?? {}
  const { budget = own.budget ?? Duration.infinity } = options ?? {}
  return Either.all({
    schedule: Either.right(options?.budget === undefined ? schedule : own.unlimited ?? schedule),
    attemptTimeout: checkDuration("attemptTimeout", attemptTimeout),
    budget: checkDuration("budget", budget, { infinite: true }),
    mayRepeat: Either.right(options?.mayRepeat)
  })
}

/**
 * Sets the policy of an `OAuthV2.layer`, or of a whole program. It takes every schedule. The default limits of a
 * schedule that is no {@link Policy} are ten seconds for an attempt and no budget. Fails if a limit is invalid.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  schedule: Schedule.Schedule<unknown, OAuthV2Error> | Policy,
  options?: Options
): Layer.Layer<RetryPolicy, ConfigError.ConfigError> => Layer.effect(RetryPolicy, service(schedule, options))

/**
 * Sets the policy of the calls inside an effect. The effect dies if a limit is invalid: like the schedule, the limits
 * are part of the program.
 *
 * @example
 * ```ts
 * import { OAuthV2, RetryPolicy } from "effect-slack-oauth"
 *
 * const program = OAuthV2.access({ refreshToken: "xoxe-1-test" }).pipe(
 *   RetryPolicy.provide(RetryPolicy.background)
 * )
 * ```
 *
 * @since 0.1.0
 * @category combinators
 */
export const provide = (
  schedule: Schedule.Schedule<unknown, OAuthV2Error> | Policy,
  options?: Options
): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, RetryPolicy>> =>
  Effect.provideServiceEffect(RetryPolicy, Effect.orDie(service(schedule, options)))

/**
 * The default policy: {@link interactive}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const defaultPolicy: Service = {
  schedule: interactive,
  attemptTimeout: interactive.attemptTimeout,
  budget: interactive.budget
}
