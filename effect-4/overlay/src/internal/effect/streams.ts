/**
 * Streams, pull by pull.
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
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
  Stream.unwrap(
    Effect.flatMap(
      Effect.acquireRelease(Scope.make(), (scope, exit) =>
        Effect.ignore(run(Scope.close(scope, exit), (error) => error))),
      (scope) =>
        Effect.map(Scope.provide(Stream.toPull(stream), scope), (pull) =>
          Stream.fromPull(Effect.succeed(run(pull, (error): E2 =>
            error))))
    )
  ) as Stream.Stream<A, E | E2, R>

/** A stream of pages. A page comes with what the next page begins after, and the last page with nothing. */
export { paginate as inPages } from "effect/Stream"

/** What a listener hears for as long as the stream runs. `listen` returns how to stop. */
export const heard = <A>(listen: (listener: (value: A) => void) => () => void): Stream.Stream<A> =>
  Stream.callback<A>((queue) =>
    Effect.acquireRelease(
      Effect.sync(() => listen((value) => void Queue.offerUnsafe(queue, value))),
      (stop) => Effect.sync(stop)
    )
  )
