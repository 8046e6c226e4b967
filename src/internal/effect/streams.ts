/**
 * Streams, pull by pull.
 */
import * as Chunk from "effect/Chunk"
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

/** A stream of pages. A page comes with what the next page begins after, and the last page with nothing. */
export const inPages = <S, A, E, R>(
  start: S,
  page: (after: S) => Effect.Effect<readonly [page: ReadonlyArray<A>, next: Option.Option<S>], E, R>
): Stream.Stream<A, E, R> =>
  Stream.paginateChunkEffect(
    start,
    (after) => Effect.map(page(after), ([items, next]) => [Chunk.unsafeFromArray(items), next] as const)
  )

/** What a listener hears for as long as the stream runs. `listen` returns how to stop. */
export const heard = <A>(listen: (listener: (value: A) => void) => () => void): Stream.Stream<A> =>
  Stream.asyncPush<A>((emit) =>
    Effect.acquireRelease(
      Effect.sync(() => listen((value) => void emit.single(value))),
      (stop) => Effect.sync(stop)
    )
  )
