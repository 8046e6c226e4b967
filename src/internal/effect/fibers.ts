/**
 * Fibers that do not depend on the fiber that starts them.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"

/** Starts a fiber. It runs until it ends, or is interrupted when the scope closes, if there is one. */
export type Fork<R> = <A, E>(effect: Effect.Effect<A, E, R>, scope?: Scope.Scope) => Fiber.RuntimeFiber<A, E>

const forkIn = <R>(runtime: Runtime.Runtime<R>): Fork<R> => {
  const fork = Runtime.runFork(runtime)
  return (effect, scope) => fork(effect, scope && { scope })
}

/** A fiber that begins its life inherits an interruption of the fiber that started it. */
const withoutInterruption = <R>(runtime: Runtime.Runtime<R>): Runtime.Runtime<R> =>
  Cause.isEmpty(FiberRefs.getOrDefault(runtime.fiberRefs, FiberRef.interruptedCause))
    ? runtime
    : Runtime.deleteFiberRef(runtime, FiberRef.interruptedCause)

/**
 * Gives `f` a way to start fibers: with the context and the `FiberRef`s of the caller, and without an interruption of
 * the caller.
 */
export const withFork = <R, A, E>(f: (fork: Fork<R>) => Effect.Effect<A, E>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Effect.runtime<R>(), (runtime) => f(forkIn(withoutInterruption(runtime))))

/**
 * Captures the caller's context, as `change` leaves it, and the `FiberRef`s. The fibers that `fork` starts can be
 * interrupted, and begin uninterrupted, whatever the state of the caller.
 */
export const capture = <R>(
  change: (context: Context.Context<R>) => Context.Context<R>
): Effect.Effect<Fork<R>, never, R> =>
  Effect.map(Effect.runtime<R>(), (caller) =>
    forkIn(
      withoutInterruption(caller).pipe(
        Runtime.updateContext(change),
        Runtime.enableRuntimeFlag(RuntimeFlags.Interruption)
      )
    ))

/** Tells a fiber to stop, and does not wait for it. */
export const stop = (fiber: Fiber.RuntimeFiber<any, any>): void => fiber.unsafeInterruptAsFork(fiber.id())

/** How a fiber ended; `undefined` while it runs. */
export const exitOf = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): Exit.Exit<A, E> | undefined =>
  fiber.unsafePoll() ?? undefined
