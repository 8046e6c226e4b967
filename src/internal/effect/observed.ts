/**
 * What observes a caller: the span, the log annotations and the log spans.
 */
import * as Effect from "effect/Effect"
import * as FiberRef from "effect/FiberRef"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"

/** Gives a function that runs work, which has a context of its own, under the observation of the caller. */
export const observedByCaller: Effect.Effect<<A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>> = Effect
  .gen(
    function*() {
      const span = yield* Effect.serviceOption(Tracer.ParentSpan)
      const annotations = yield* FiberRef.get(FiberRef.currentLogAnnotations)
      const logSpans = yield* FiberRef.get(FiberRef.currentLogSpan)
      return (work) =>
        (Option.isSome(span) ? Effect.provideService(work, Tracer.ParentSpan, span.value) : work).pipe(
          Effect.locally(FiberRef.currentLogAnnotations, annotations),
          Effect.locally(FiberRef.currentLogSpan, logSpans)
        )
    }
  )
