/** Schedulers of fibers. */
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

/** Runs effects until `stop` is called: then none of their fibers takes another step. */
export const stoppable = () => {
  let isStopped = false
  const mixed = new Scheduler.MixedScheduler(2048)
  const scheduler = Scheduler.make((task, priority) => {
    if (!isStopped) mixed.scheduleTask(task, priority)
  })
  return {
    run: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => Effect.withScheduler(effect, scheduler),
    stop: () => {
      isStopped = true
    }
  }
}
