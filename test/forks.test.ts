import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"

type Fork = (work: Effect.Effect<void>, scope: Scope.Scope) => Effect.Effect<Fiber.RuntimeFiber<void>>

/** The ways in which this package starts fibers. Effect 4 needs an option for each of them, which the generator adds. */
const forks: Readonly<Record<string, Fork>> = {
  fork: (work) => Effect.fork(work),
  "fork, passed on": (work) => work.pipe(Effect.fork),
  forkDaemon: (work) => Effect.forkDaemon(work),
  forkIn: (work, scope) => Effect.forkIn(work, scope)
}

describe("a fiber that starts where nothing can be interrupted", () => {
  for (const [name, fork] of Object.entries(forks)) {
    it.effect(`finishes when it is interrupted: ${name}`, () =>
      Effect.gen(function*() {
        let isSaved = false
        const answered = yield* Deferred.make<void>()
        const scope = yield* Scope.make()
        // A refresh, between Slack's answer and the save.
        const refresh = Effect.flatMap(Deferred.await(answered), () =>
          Effect.sync(() => {
            isSaved = true
          }))
        const fiber = yield* Effect.uninterruptible(fork(refresh, scope))
        const interruption = yield* Effect.fork(Fiber.interrupt(fiber))
        yield* Effect.yieldNow()
        yield* Deferred.succeed(answered, undefined)
        yield* Fiber.join(interruption)
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(isSaved)
      }))
  }
})
