/**
 * Spans around effects that are counted and timed.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import type * as Tracer from "effect/Tracer"
import { type Caller, callerOf } from "./fibers.js"
import type { Update } from "./metrics.js"

/** An effect in a span. */
export interface Observed<A, E, R> {
  readonly effect: Effect.Effect<A, E, R>
  /** Sees how the effect ended, and may change the span and update metrics. */
  readonly onEnd: (exit: Exit.Exit<A, E>, update: Update) => void
}

/**
 * Runs an effect in a span of its own. If the effect is interrupted, the fibers that its caller has started are interrupted
 * too, and the span ends after them.
 *
 * `Effect.useSpan`, `Effect.onInterrupt` and `Metric.update` do the same in three steps, each of which costs as much as
 * this one.
 */
export const observeInSpan = <A, E, R>(
  name: string,
  options: Omit<Tracer.SpanOptions, "captureStackTrace">,
  observe: (span: Tracer.Span, caller: Caller<R>) => Observed<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.flatMap(
    Effect.makeSpan(name, { ...options, captureStackTrace: false }),
    (span) =>
      Effect.withFiberRuntime<A, E, R>((fiber, status) => {
        const forked: Array<Fiber.RuntimeFiber<any, any>> = []
        const caller = callerOf<R>(fiber, status, forked)
        const { effect, onEnd } = observe(span, caller)
        const end = (exit: Exit.Exit<A, E>) => {
          const labels = fiber.getFiberRef(FiberRef.currentMetricLabels)
          onEnd(exit, (metric, input) => metric(input, labels))
          const isTimed = fiber.getFiberRef(FiberRef.currentTracerTimingEnabled)
          span.end(isTimed ? caller.clock.unsafeCurrentTimeNanos() : 0n, exit)
        }
        return Effect.onExit(effect, (exit) =>
          Exit.isInterrupted(exit)
            ? Effect.map(Fiber.interruptAll(forked), () => end(exit))
            : Effect.succeed(end(exit)))
      })
  )
