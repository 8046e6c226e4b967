/**
 * Fibers that do not depend on the fiber that starts them.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as FiberRefs from "effect/FiberRefs"
import type * as FiberStatus from "effect/FiberStatus"
import * as Runtime from "effect/Runtime"
import * as RuntimeFlags from "effect/RuntimeFlags"
import type * as Scope from "effect/Scope"

/** Starts a fiber. It runs until it ends, or is interrupted when the scope closes, if there is one. */
export type Fork<R> = <A, E>(effect: Effect.Effect<A, E, R>, scope?: Scope.Scope) => Fiber.RuntimeFiber<A, E>

/** What an effect knows of the fiber that runs it. */
export interface Caller<R> {
  readonly clock: Clock.Clock
  readonly context: Context.Context<R>
  /**
   * A way to start fibers, with the `FiberRef`s of the caller, and its context as `change` leaves it. The fibers can be
   * interrupted, and begin uninterrupted, whatever the state of the caller.
   */
  readonly fork: (change: (context: Context.Context<R>) => Context.Context<R>) => Fork<R>
}

/** `forked` gets each fiber that the caller starts. */
export const callerOf = <R>(
  fiber: Fiber.RuntimeFiber<any, any>,
  { runtimeFlags }: FiberStatus.Running,
  forked?: Array<Fiber.RuntimeFiber<any, any>>
): Caller<R> => {
  const context = fiber.getFiberRef(FiberRef.currentContext) as Context.Context<R>
  const fiberRefs = fiber.getFiberRefs()
  return {
    clock: Context.get(fiber.currentDefaultServices, Clock.Clock),
    context,
    fork: (change) => {
      const runtime = Runtime.make({
        context: change(context),
        runtimeFlags: RuntimeFlags.enable(runtimeFlags, RuntimeFlags.Interruption),
        // A fiber that begins its life inherits an interruption of the fiber that started it.
        fiberRefs: Cause.isEmpty(fiber.getFiberRef(FiberRef.interruptedCause))
          ? fiberRefs
          : FiberRefs.delete(fiberRefs, FiberRef.interruptedCause)
      })
      return (effect, scope) => {
        const fiber = Runtime.runFork(runtime, effect, scope && { scope })
        forked?.push(fiber)
        return fiber
      }
    }
  }
}

/** Gives `f` the fiber that runs it. */
export const withCaller = <A, E, R>(f: (caller: Caller<R>) => Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiberRuntime((fiber, status) => f(callerOf(fiber, status)))

/** Tells a fiber to stop, and does not wait for it. */
export const stop = (fiber: Fiber.RuntimeFiber<any, any>): void => fiber.unsafeInterruptAsFork(fiber.id())

/** How a fiber ended; `undefined` while it runs. */
export const exitOf = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): Exit.Exit<A, E> | undefined =>
  fiber.unsafePoll() ?? undefined
