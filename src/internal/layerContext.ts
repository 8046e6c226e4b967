/**
 * The context for work that several callers share: a refresh, its commit, the exchange of a code. Such work outlives its
 * first caller. So it runs in the context in which its layer was built, and nothing of a caller reaches it: no `FiberRef`,
 * no service (an `HttpClient`, a `RequestInit`, a retry policy), no database transaction, no interruption, no deadline.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import { withCaller } from "./effect/fibers.js"
import { observedByCaller } from "./effect/observed.js"
import * as Transactions from "./effect/transactions.js"
import { flatten } from "./flatten.js"

/** The context of a layer. */
export interface LayerContext<R> {
  /** Starts shared work. It runs until it ends, or is interrupted when the scope closes, if there is one. */
  readonly fork: <A, E>(effect: Effect.Effect<A, E, R>, scope?: Scope.Scope) => Effect.Effect<Fiber.RuntimeFiber<A, E>>
  /**
   * Runs an effect for the caller: under the caller's span and log annotations, with the services and `FiberRef`s of the
   * layer instead of the caller's, and in a scope that closes after it. If the caller is interrupted, the effect is
   * interrupted too.
   */
  readonly run: <A, E>(effect: Effect.Effect<A, E, R | Scope.Scope>) => Effect.Effect<A, E>
}

/** Whether the caller is inside a database transaction. */
export const isInTransaction: Effect.Effect<boolean> = Effect.map(
  Effect.context<never>(),
  Transactions.isInTransaction
)

/**
 * Removes what the context of a layer has only while the layer is built: the span of the start, the scope, and the
 * transaction in which the layer may be built.
 */
const withoutPassing = <R>(context: Context.Context<R>): Context.Context<R> =>
  Context.omit(Tracer.ParentSpan, Scope.Scope)(Transactions.withoutTransaction(context)) as Context.Context<R>

/** Captures the context of the layer that is being built. */
export const make = <R = never>(): Effect.Effect<LayerContext<R>, never, R> =>
  // The layer may be built where nothing can be interrupted, or by a fiber that is being interrupted.
  withCaller<LayerContext<R>, never, R>((caller) => {
    const fork = caller.fork(withoutPassing)
    return Effect.succeed({
      fork: (effect, scope) => Effect.sync(() => fork(effect, scope)),
      run: (effect) =>
        Effect.flatMap(observedByCaller, (observed) =>
          Effect.uninterruptibleMask((restore) => {
            // The exit is a value, because a fiber that fails logs its cause, which may contain a secret.
            const fiber = fork(Effect.exit(observed(Effect.scoped(effect))))
            return restore(Effect.flatMap(Fiber.await(fiber), flatten)).pipe(
              Effect.onInterrupt(() => Fiber.interrupt(fiber))
            )
          }))
    })
  })
