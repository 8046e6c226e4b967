/**
 * What observes a caller: the span, the log annotations and the log spans.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

/** Gives a function that runs work, which has a context of its own, under the observation of the caller. */
export const observedByCaller: Effect.Effect<<A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>> = Effect
  .gen(
    function*() {
      const span = yield* Effect.serviceOption(Tracer.ParentSpan)
      const annotations = yield* References.CurrentLogAnnotations
      const logSpans = yield* References.CurrentLogSpans
      return <A, E, R>(work: Effect.Effect<A, E, R>) =>
        (Option.isSome(span)
          ? Effect.provideService(work, Tracer.ParentSpan, span.value) as Effect.Effect<A, E, R>
          : work).pipe(
            Effect.provideService(References.CurrentLogAnnotations, annotations),
            Effect.provideService(References.CurrentLogSpans, logSpans)
          )
    }
  )
