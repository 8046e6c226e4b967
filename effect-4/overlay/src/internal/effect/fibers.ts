/**
 * Fibers that do not depend on the fiber that starts them.
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"

/** Starts a fiber. It runs until it ends, or is interrupted when the scope closes, if there is one. */
export type Fork<R> = <A, E>(effect: Effect.Effect<A, E, R>, scope?: Scope.Scope) => Fiber.Fiber<A, E>

/** What an effect knows of the fiber that runs it. */
export interface Caller<R> {
  readonly clock: Clock.Clock
  readonly context: Context.Context<R>
  /**
   * A way to start fibers, with the context of the caller as `change` leaves it. The fibers can be interrupted, and begin
   * uninterrupted, whatever the state of the caller.
   */
  readonly fork: (change: (context: Context.Context<R>) => Context.Context<R>) => Fork<R>
}

const forkIn = <R>(context: Context.Context<R>, forked?: Array<Fiber.Fiber<any, any>>): Fork<R> => {
  const fork: Fork<R> = (effect) => {
    const fiber = Effect.runForkWith(context)(effect)
    forked?.push(fiber)
    return fiber
  }
  return (effect, scope) => {
    if (scope === undefined) return fork(effect)
    // Not by `runSync`: the new fiber would have its scheduler, which never lets the event loop read.
    const started = fork(Effect.forkIn(effect, scope, { startImmediately: true })).pollUnsafe()
    return started !== undefined && Exit.isSuccess(started) ? started.value : fork(Effect.interrupt)
  }
}

/** `forked` gets each fiber that the caller starts without a scope. */
export const callerOf = <R>(fiber: Fiber.Fiber<any, any>, forked?: Array<Fiber.Fiber<any, any>>): Caller<R> => {
  const context = fiber.context as Context.Context<R>
  return { clock: fiber.getRef(Clock.Clock), context, fork: (change) => forkIn(change(context), forked) }
}

/** Gives `f` the fiber that runs it. */
export const withCaller = <A, E, R>(f: (caller: Caller<R>) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => f(callerOf(fiber)))

/** Tells a fiber to stop, and does not wait for it. */
export const stop = (fiber: Fiber.Fiber<any, any>): void => fiber.interruptUnsafe()

/** How a fiber ended; `undefined` while it runs. */
export const exitOf = <A, E>(fiber: Fiber.Fiber<A, E>): Exit.Exit<A, E> | undefined => fiber.pollUnsafe()
