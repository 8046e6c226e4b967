/**
 * The context for work that several callers share: a refresh, its commit, the exchange of a code. Such work outlives its
 * first caller. So it runs in the context in which its layer was built, and nothing of a caller reaches it: no `FiberRef`,
 * no service (an `HttpClient`, a `RequestInit`, a retry policy), no database transaction, no interruption, no deadline.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Fibers from "./effect/fibers.js"

/** The context of a layer. */
export interface LayerContext<R> {
  /** Starts shared work. It runs until it ends, or is interrupted when the scope closes, if there is one. */
  readonly fork: <A, E>(effect: Effect.Effect<A, E, R>, scope?: Scope.Scope) => Effect.Effect<Fiber.RuntimeFiber<A, E>>
  /**
   * Runs an effect of the application as a part of the caller: under the caller's span and log annotations, with the
   * services of the layer instead of the caller's, and in a scope that closes after it.
   */
  readonly run: <A, E>(effect: Effect.Effect<A, E, R | Scope.Scope>) => Effect.Effect<A, E>
}

/** The tags of a database transaction. Tags with the same key are equal, so no driver is imported. */
const transactions = [
  Context.GenericTag("@effect/sql/SqlClient/TransactionConnection"),
  Context.GenericTag("@effect/sql-libsql/LibsqlClient/LibsqlTransaction")
] as const

/** Whether the caller is inside a database transaction. */
export const isInTransaction: Effect.Effect<boolean> = Effect.contextWith((context: Context.Context<never>) =>
  transactions.some(({ key }) => context.unsafeMap.has(key))
)

/**
 * Removes what the context of a layer has only while the layer is built: the span of the start, the scope, and the
 * transaction in which the layer may be built.
 */
const withoutPassing = Context.omit(Tracer.ParentSpan, Scope.Scope, ...transactions) as <R>(
  context: Context.Context<R>
) => Context.Context<R>

/** Captures the context of the layer that is being built. */
export const make = <R = never>(): Effect.Effect<LayerContext<R>, never, R> =>
  // The layer may be built where nothing can be interrupted, or by a fiber that is being interrupted.
  Effect.map(Fibers.capture<R>(withoutPassing), ({ context, fork }) => {
    const underSpanOf = (caller: Context.Context<never>): Context.Context<R> =>
      Option.match(Context.getOption(caller, Tracer.ParentSpan), {
        onNone: () => context,
        onSome: (span) => Context.add(context, Tracer.ParentSpan, span) as Context.Context<R>
      })
    return {
      fork: (effect, scope) => Effect.sync(() => fork(effect, scope)),
      run: (effect) => Effect.mapInputContext(Effect.scoped(effect), underSpanOf) as Effect.Effect<any, any>
    }
  })
