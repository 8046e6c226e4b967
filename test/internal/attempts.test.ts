import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Answer from "../../src/internal/install/answer.js"
import * as Attempts from "../../src/internal/install/attempts.js"
import * as LayerContext from "../../src/internal/layerContext.js"
import * as Agenda from "../simulation/agenda.js"
import * as Machine from "../simulation/machine.js"

describe("a server that shuts down", () => {
  /** What happens to an install if its server is paused for so long, after a second, and Slack has answered meanwhile. */
  const pausedFor = (millis: number): ReadonlyArray<string> => {
    const agenda = Agenda.make(0)
    const machine = Machine.alone(agenda)
    const happened: Array<string> = []
    let answer: (effect: Effect.Effect<Answer.Answer>) => void = () => {}
    machine.start(Effect.gen(function*() {
      const scope = yield* Scope.make()
      const layerContext = yield* LayerContext.make()
      const attempt = yield* Scope.extend(
        Attempts.make<void>({
          window: Duration.minutes(1),
          layerContext,
          run: () => Effect.async((resume) => void (answer = resume)),
          report: () => Effect.sync(() => void happened.push("the install failed"))
        }),
        scope
      )
      const callback = { code: "code", stateHash: "state", carried: "", used: false }
      yield* Effect.forkDaemon(Effect.map(attempt(callback), (outcome) => {
        if (Either.isRight(outcome)) happened.push("the install was completed")
      }))
      yield* Effect.yieldNow()
      yield* Scope.close(scope, Exit.void)
      happened.push("the server ended")
    }))
    agenda.at(1000, () => machine.freeze("stop", millis))
    agenda.at(1500, () => machine.run(() => answer(Effect.succeed(Answer.empty(200)))))
    while (agenda.step(200_000)) { /* one step */ }
    return happened
  }

  it("reads what Slack has answered while its process was paused, for however long", () => {
    for (const seconds of [1, 29, 40, 90]) {
      assert.deepStrictEqual(
        pausedFor(seconds * 1000),
        ["the install was completed", "the server ended"],
        `${seconds} s`
      )
    }
  })

  it.effect("begins no install any more, and says so to the person and the application", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      let begun = 0
      const told: Array<string> = []
      const attempt = yield* Scope.extend(
        Attempts.make<void>({
          window: Duration.minutes(1),
          layerContext: yield* LayerContext.make(),
          run: () => Effect.sync(() => Answer.empty(200 + begun++)),
          report: ({ error }) => Effect.sync(() => void told.push(error.message))
        }),
        scope
      )
      const callback = { code: "code", stateHash: "state", carried: "", used: false }
      yield* attempt(callback)
      yield* Scope.close(scope, Exit.void)
      // What it remembers, it shows.
      assert.isTrue(Either.isRight(yield* attempt(callback)))
      const other = yield* attempt({ ...callback, stateHash: "other" })
      assert.strictEqual(Either.isLeft(other) && other.left._tag, "InstallUnexpected")
      assert.deepStrictEqual(told, ["The install cannot continue: the server is shutting down."])
      assert.strictEqual(begun, 1)
    }))
})
