/**
 * Fibers that do not depend on the fiber that starts them.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

/** Starts a fiber. It runs until it ends, or is interrupted when the scope closes, if there is one. */
export type Fork<R> = <A, E>(effect: Effect.Effect<A, E, R>, scope?: Scope.Scope) => Fiber.Fiber<A, E>

const forkIn = <R>(context: Context.Context<R>): Fork<R> => {
  const fork = Effect.runForkWith(context)
  const run = Effect.runSyncWith(context)
  return (effect, scope) =>
    scope === undefined ? fork(effect) : run(Effect.forkIn(effect, scope, { startImmediately: true }))
}

/**
 * Gives `f` a way to start fibers: with the context and the references of the caller, and without an interruption of
 * the caller.
 */
export const withFork = <R, A, E>(f: (fork: Fork<R>) => Effect.Effect<A, E>): Effect.Effect<A, E, R> =>
  Effect.contextWith((context: Context.Context<R>) => f(forkIn(context)))

/**
 * Captures the caller's context, as `change` leaves it. The fibers that `fork` starts can be interrupted, and begin
 * uninterrupted, whatever the state of the caller.
 */
export const capture = <R>(
  change: (context: Context.Context<R>) => Context.Context<R>
): Effect.Effect<Fork<R>, never, R> =>
  Effect.contextWith((caller: Context.Context<R>) => Effect.succeed(forkIn(change(caller))))

/** Tells a fiber to stop, and does not wait for it. */
export const stop = (fiber: Fiber.Fiber<any, any>): void => fiber.interruptUnsafe()

/** How a fiber ended; `undefined` while it runs. */
export const exitOf = <A, E>(fiber: Fiber.Fiber<A, E>): Exit.Exit<A, E> | undefined => fiber.pollUnsafe()
