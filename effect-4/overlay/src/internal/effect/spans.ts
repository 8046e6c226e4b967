/**
 * Spans around effects that are counted and timed.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
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
 */
export const observeInSpan = <A, E, R>(
  name: string,
  options: Tracer.SpanOptionsNoTrace,
  observe: (span: Tracer.Span, caller: Caller<R>) => Observed<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.useSpan(name, options, (span) =>
    Effect.withFiber((fiber) => {
      const forked: Array<Fiber.Fiber<any, any>> = []
      const caller = callerOf<R>(fiber, forked)
      const { effect, onEnd } = observe(span, caller)
      const end = (exit: Exit.Exit<A, E>) => onEnd(exit, (metric, input) => metric(input, caller.context))
      return Effect.onExitPrimitive(effect, (exit) =>
        Exit.hasInterrupts(exit)
          ? Effect.map(Fiber.interruptAll(forked), () => end(exit))
          : void end(exit))
    }))
