/**
 * When a failed call may be repeated, and how long it may take in all.
 *
 * Authorization codes, refresh tokens and legacy tokens work once. So a call is repeated only when Slack certainly did
 * nothing with it (`outcome` is `rejected`) and waiting can help (`remedy` is `retry`). No schedule overrides this.
 *
 * Do not put retries of another kind around or under {@link OAuthV2}, such as `HttpClient.retryTransient`: they
 * repeat after a lost answer too, and spend the grant.
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
 * How long things may take.
 *
 * @since 0.1.0
 * @category models
 */
export interface Limits {
  /** How long one attempt may take before it fails with `SlackTimeoutError`. */
  readonly attemptTimeout: Duration.Duration
  /** How long the call may take in all, with its repetitions and the waiting between them. */
  readonly budget: Duration.Duration
}

/**
 * A schedule over this package's errors that brings limits of its own. It composes as any `Schedule` does; what comes
 * out of a composition is a plain schedule, without the limits.
 *
 * @since 0.1.0
 * @category models
 */
export interface Policy extends Schedule.Schedule<Duration.Duration, OAuthV2Error>, Limits {
  /** The same waits without the budget, for policies with another budget. */
  readonly unlimited: Schedule.Schedule<Duration.Duration, OAuthV2Error>
}

/**
 * What {@link OAuthV2} goes by.
 *
 * @since 0.1.0
 * @category models
 */
export interface Service extends Limits {
  readonly schedule: Schedule.Schedule<unknown, OAuthV2Error>
  /** Asked before each repetition, after the wait. If it is `false`, the call fails as its last attempt did. */
  readonly mayRepeat?: Effect.Effect<boolean> | undefined
}

/**
 * What can be set besides the schedule. What is not set comes from the {@link Policy}.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly attemptTimeout?: Duration.DurationInput | undefined
  readonly budget?: Duration.DurationInput | undefined
  readonly mayRepeat?: Effect.Effect<boolean> | undefined
}

/**
 * The retry policy in force: the nearest of the one given to a call ({@link provide}), the one given to
 * `OAuthV2.layer` ({@link layer}), and {@link interactive}.
 *
 * @since 0.1.0
 * @category tags
 */
export class RetryPolicy extends Context.Tag("effect-slack-oauth/RetryPolicy")<RetryPolicy, Service>() {}

/**
 * Whether the same call may be sent again: Slack did nothing, and waiting can help.
 *
 * @since 0.1.0
 * @category guards
 */
export const isRepeatable: (error: OAuthV2Error) => boolean = Retry.isRepeatable

// -------------------------------------------------------------------------------------
// schedules
// -------------------------------------------------------------------------------------

/**
 * Waits as long as Slack asks to, and up to a tenth longer so that many clients do not come back at once; without a
 * hint, exponentially longer each time, give or take a fifth.
 */
const backoff = (options: {
  readonly first: Duration.DurationInput
  readonly longest: Duration.DurationInput
}): Schedule.Schedule<Duration.Duration, OAuthV2Error> => {
  const first = Duration.toMillis(options.first)
  const longest = Duration.toMillis(options.longest)
  return waits((error: OAuthV2Error, repetitions) =>
    Retry.isRepeatable(error)
      ? Effect.map(Random.next, (random) => {
        const hint = error.retryAfter === undefined ? 0 : Duration.toMillis(error.retryAfter)
        return Math.ceil(
          hint > 0
            ? hint * (1 + random / 10)
            : Math.min(first * 2 ** repetitions, longest) * (0.8 + random * 0.4)
        )
      })
      : Effect.succeed(undefined)
  )
}

const policy = (schedule: Schedule.Schedule<Duration.Duration, OAuthV2Error>, limits: Limits): Policy =>
  Object.assign(Retry.withinBudget(schedule, limits.budget), limits, { unlimited: schedule })

/**
 * A browser is waiting: ten seconds in all, the first wait about 0.3 s, then doubling. If Slack asks to wait longer
 * than that leaves, the call fails at once and the error carries Slack's hint.
 *
 * @since 0.1.0
 * @category schedules
 */
export const interactive: Policy = policy(backoff({ first: "300 millis", longest: "5 seconds" }), {
  attemptTimeout: Duration.seconds(10),
  budget: Duration.seconds(10)
})

/**
 * Nobody is waiting: ten minutes in all, 30 seconds an attempt, the first wait about a second, then doubling up to a
 * minute. If Slack asks to wait longer than the budget leaves, the call fails at once and the error carries the hint.
 *
 * @since 0.1.0
 * @category schedules
 */
export const background: Policy = policy(backoff({ first: "1 second", longest: "1 minute" }), {
  attemptTimeout: Duration.seconds(30),
  budget: Duration.minutes(10)
})

/**
 * One attempt of at most ten seconds, and no repetition.
 *
 * @since 0.1.0
 * @category schedules
 */
export const none: Policy = policy(waits(() => Effect.succeed(undefined)), {
  attemptTimeout: Duration.seconds(10),
  budget: Duration.seconds(10)
})

// -------------------------------------------------------------------------------------
// choosing one
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
 * Sets the policy for an `OAuthV2.layer`, or for a whole program. Any schedule will do; one that is no {@link Policy}
 * gets ten seconds an attempt and no budget, unless the limits are given. Fails if a limit cannot be used.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  schedule: Schedule.Schedule<unknown, OAuthV2Error> | Policy,
  options?: Options
): Layer.Layer<RetryPolicy, ConfigError.ConfigError> => Layer.effect(RetryPolicy, service(schedule, options))

/**
 * Sets the policy for the calls inside one effect, which dies if a limit cannot be used: the limits are part of the
 * program, as the schedule is.
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
