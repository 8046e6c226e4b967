/** Schedulers of fibers. */
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

/** Runs effects until `stop` is called: then none of their fibers takes another step. */
export const stoppable = () => {
  let isStopped = false
  const mixed = new Scheduler.MixedScheduler()
  const scheduler: Scheduler.Scheduler = {
    executionMode: mixed.executionMode,
    shouldYield: (fiber) => mixed.shouldYield(fiber),
    makeDispatcher: () => {
      const dispatcher = mixed.makeDispatcher()
      return {
        scheduleTask: (task, priority) => {
          if (!isStopped) dispatcher.scheduleTask(() => isStopped ? undefined : task(), priority)
        },
        flush: () => dispatcher.flush()
      }
    }
  }
  return {
    // In a fiber of its own: a fiber keeps the scheduler that it began with.
    run: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.provideService(effect, Scheduler.Scheduler, scheduler),
    stop: () => {
      isStopped = true
    }
  }
}
