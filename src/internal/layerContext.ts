/**
 * Shared work belongs to the layer. A refresh, its commit, the exchange of a code: others depend on them, and they
 * outlive the caller who asked first. So they run in the context in which their layer was built, and nothing of the
 * caller reaches them: no `FiberRef`, no service (an `HttpClient`, a `RequestInit`, a retry policy), no database
 * transaction, no interruption, no deadline.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Fibers from "./effect/fibers.js"

/** The context of a layer, for as long as the layer lives. */
export interface LayerContext<R> {
  /** Starts shared work. It runs until it ends, or is interrupted when the scope closes, if there is one. */
  readonly fork: <A, E>(effect: Effect.Effect<A, E, R>, scope?: Scope.Scope) => Effect.Effect<Fiber.RuntimeFiber<A, E>>
  /**
   * Runs an effect of the application as a part of the caller: under the caller's span and log annotations, with the
   * services of the layer instead of the caller's, and in a scope that closes after it.
   */
  readonly run: <A, E>(effect: Effect.Effect<A, E, R | Scope.Scope>) => Effect.Effect<A, E>
}

/** A database transaction. Tags are equal by their keys, so no driver is imported for these. */
const transactions = [
  Context.GenericTag("@effect/sql/SqlClient/TransactionConnection"),
  Context.GenericTag("@effect/sql-libsql/LibsqlClient/LibsqlTransaction")
] as const

/** Whether the caller is inside a database transaction. */
export const isInTransaction: Effect.Effect<boolean> = Effect.contextWith((context: Context.Context<never>) =>
  transactions.some(({ key }) => context.unsafeMap.has(key))
)

/**
 * What a layer's context has only while the layer is built: the span of the start-up, the scope, and a transaction that
 * the layer may have been built inside of.
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
