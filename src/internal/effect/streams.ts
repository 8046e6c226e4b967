/**
 * Streams, pull by pull.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/**
 * The same stream, with each of its pulls, and its end, run by `run`. A failure that `run` adds to a pull goes through
 * `failed`.
 */
export const eachPull = <A, E, R, E2>(
  stream: Stream.Stream<A, E, R>,
  run: <B, P, Q>(pull: Effect.Effect<B, P, R>, failed: (error: E2) => Q) => Effect.Effect<B, P | Q, R>
): Stream.Stream<A, E | E2, R> =>
  Stream.unwrapScoped(
    Effect.flatMap(
      Effect.acquireRelease(Scope.make(), (scope, exit) =>
        Effect.ignore(run(Scope.close(scope, exit), (error) => error))),
      (scope) =>
        Effect.map(Scope.extend(Stream.toPull(stream), scope), (pull) =>
          Stream.repeatEffectChunkOption(run(pull, (error): Option.Option<E | E2> =>
            Option.some(error))))
    )
  )
