/**
 * Spans around effects that are counted and timed.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Tracer from "effect/Tracer"
import { type Caller, callerOf } from "./fibers.js"
import type { Update } from "./metrics.js"

/** An effect in a span. */
export interface Observed<A, E, R> {
  readonly effect: Effect.Effect<A, E, R>
  /** Sees how the effect ended, and may change the span and update metrics. */
  readonly onEnd: (exit: Exit.Exit<A, E>, update: Update) => void
}

/** Runs an effect in a span of its own. */
export const observeInSpan = <A, E, R>(
  name: string,
  options: Tracer.SpanOptionsNoTrace,
  observe: (span: Tracer.Span, caller: Caller<R>) => Observed<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.useSpan(name, options, (span) =>
    Effect.withFiber((fiber) => {
      const caller = callerOf<R>(fiber)
      const { effect, onEnd } = observe(span, caller)
      return Effect.onExitPrimitive(effect, (exit) => {
        onEnd(exit, (metric, input) => metric(input, caller.context))
        return undefined
      })
    }))
