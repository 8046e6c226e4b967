import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberRef from "effect/FiberRef"
import * as TestClock from "effect/TestClock"
import { withDeadline } from "../../src/internal/deadline.js"
import * as Agenda from "../simulation/agenda.js"
import * as Machine from "../simulation/machine.js"
import { answerWhileBlocked } from "../utils/eventLoop.js"
import { countedSleeps } from "../utils/sleeps.js"

const tenSeconds = Duration.seconds(10)

const bounded = <A, E, R>(effect: Effect.Effect<A, E, R>) => withDeadline(effect, tenSeconds, () => "late")

/** How an effect ends when ten seconds pass. */
const afterTenSeconds = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.fork(effect)
    yield* TestClock.adjust(tenSeconds)
    return yield* Fiber.await(fiber)
  })

describe("a deadline", () => {
  it.effect("changes nothing about an effect that ends in time", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* bounded(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(bounded(Effect.fail("no"))), "no")
      assert.deepStrictEqual(yield* Effect.exit(bounded(Effect.die("broken"))), Exit.die("broken"))
      assert.strictEqual(yield* bounded(Effect.as(Effect.yieldNow(), 2)), 2)
    }))

  it.effect("starts no timer for an effect that ends at once", () =>
    Effect.gen(function*() {
      const { count, counted } = yield* countedSleeps
      yield* counted(bounded(Effect.succeed(1)))
      assert.strictEqual(yield* count, 0)
    }))

  it.effect("that is over when it begins fails as late", () =>
    Effect.gen(function*() {
      for (const millis of [0, -1]) {
        const late = withDeadline(Effect.never, Duration.millis(millis), () => "late")
        assert.deepStrictEqual(yield* Effect.exit(late), Exit.fail("late"))
        assert.deepStrictEqual(yield* Effect.exit(Effect.uninterruptible(late)), Exit.fail("late"))
      }
    }))

  const hanging = {
    "what never answers": Effect.never,
    "what cannot be interrupted": Effect.uninterruptible(Effect.never),
    "what takes its time to be interrupted": Effect.onInterrupt(Effect.never, () => Effect.never)
  }
  for (const [name, effect] of Object.entries(hanging)) {
    it.effect(`ends ${name}`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* afterTenSeconds(bounded(effect)), Exit.fail("late"))
      }))

    it.effect(`ends ${name} inside an uninterruptible region`, () =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* afterTenSeconds(Effect.uninterruptible(bounded(effect))), Exit.fail("late"))
      }))

    it.effect(`does not keep an interrupted caller waiting for ${name}`, () =>
      Effect.gen(function*() {
        const caller = yield* Effect.fork(bounded(effect))
        yield* Effect.yieldNow()
        const interruption = yield* Effect.fork(Fiber.interrupt(caller))
        yield* TestClock.adjust(tenSeconds)
        yield* Fiber.join(interruption)
        assert.isTrue(Exit.isInterrupted(yield* Fiber.await(caller)))
      }))
  }

  it.effect("interrupts a late effect in the background", () =>
    Effect.gen(function*() {
      const interrupted = yield* Deferred.make<void>()
      yield* afterTenSeconds(bounded(Effect.onInterrupt(Effect.never, () => Deferred.succeed(interrupted, undefined))))
      yield* Deferred.await(interrupted)
    }))

  it.effect("lets an effect that is interrupted with its caller finish", () =>
    Effect.gen(function*() {
      let isClean = false
      const caller = yield* Effect.fork(bounded(
        Effect.onInterrupt(Effect.never, () =>
          Effect.zipRight(Effect.sleep("1 second"), Effect.sync(() => isClean = true)))
      ))
      yield* Effect.yieldNow()
      const interrupted = yield* Effect.fork(Fiber.interrupt(caller))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(interrupted)
      assert.isTrue(isClean)
    }))

  it.effect("holds for a fiber that is being interrupted", () =>
    Effect.gen(function*() {
      const ended = yield* Deferred.make<Exit.Exit<unknown, unknown>>()
      const caller = yield* Effect.fork(
        Effect.onInterrupt(Effect.never, () =>
          Effect.flatMap(Effect.exit(bounded(Effect.as(Effect.sleep("1 second"), "done"))), (exit) =>
            Deferred.succeed(ended, exit)))
      )
      yield* Effect.yieldNow()
      yield* Effect.fork(Fiber.interrupt(caller))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Deferred.await(ended), Exit.succeed("done"))
    }))

  // Effect 3 only: a fiber of Effect 4 has no values that it changes
  it.effect("does not let FiberRef changes out", () =>
    Effect.gen(function*() {
      const ref = FiberRef.unsafeMake(1)
      yield* bounded(FiberRef.set(ref, 2))
      assert.strictEqual(yield* FiberRef.get(ref), 1)
    }))

  describe("on the system's clock", () => {
    /** How many timers of ten seconds are running, of those that were started after this. */
    const countTimers = () => {
      const running = new Set<unknown>()
      const { clearTimeout, setTimeout } = globalThis
      vi.spyOn(globalThis, "setTimeout").mockImplementation(
        ((f: () => void, millis: number) => {
          const timer = setTimeout(f, millis)
          if (millis === 10_000) running.add(timer)
          return timer
        }) as typeof setTimeout
      )
      vi.spyOn(globalThis, "clearTimeout").mockImplementation((timer) => {
        running.delete(timer)
        clearTimeout(timer)
      })
      return () => running.size
    }

    afterEach(() => void vi.restoreAllMocks())

    it.live("ends what takes longer", () =>
      Effect.gen(function*() {
        assert.strictEqual(yield* Effect.flip(withDeadline(Effect.never, Duration.millis(20), () => "late")), "late")
      }))

    it.live("leaves no timer behind", () =>
      Effect.gen(function*() {
        const timers = countTimers()
        const running = yield* bounded(Effect.promise(() => Promise.resolve().then(timers)))
        assert.strictEqual(running, 1)
        assert.strictEqual(timers(), 0)
        const caller = yield* Effect.fork(bounded(Effect.never))
        yield* Effect.yieldNow()
        assert.strictEqual(timers(), 1)
        yield* Fiber.interrupt(caller)
        assert.strictEqual(timers(), 0)
      }))

    it.live("may be further away than any timer of the platform", () =>
      Effect.gen(function*() {
        for (const duration of [Duration.days(50), Duration.infinity]) {
          const answer = Effect.delay(Effect.succeed("answer"), "20 millis")
          assert.strictEqual(yield* withDeadline(answer, duration, () => "late"), "answer")
        }
      }))
  })

  it.effect("goes by the clock of the caller", () =>
    Effect.gen(function*() {
      const { count, counted } = yield* countedSleeps
      const caller = yield* Effect.fork(counted(bounded(Effect.never)))
      yield* Effect.yieldNow()
      assert.strictEqual(yield* count, 1)
      yield* Fiber.interrupt(caller)
    }))

  /** What a deadline of ten seconds gives on a machine that is paused at these times, for five seconds or so many. */
  const onMachine = (
    pauses: ReadonlyArray<number | readonly [at: number, millis: number]>,
    answerAt: number,
    setClock: { readonly at: number; readonly by: number } = { at: 0, by: 0 }
  ): ReadonlyArray<unknown> => {
    const agenda = Agenda.make(0)
    const machine = Machine.alone(agenda)
    const ends: Array<unknown> = []
    let answer: (effect: Effect.Effect<string>) => void = () => {}
    const call = Effect.async<string>((resume) => {
      answer = resume
    })
    machine.start(Effect.map(Effect.exit(bounded(call)), (exit) => void ends.push(exit)))
    for (const pause of pauses) {
      const [at, millis] = typeof pause === "number" ? [pause, 5000] : pause
      agenda.at(at, () => machine.freeze("stop", millis))
    }
    agenda.at(setClock.at, () => machine.setClock(setClock.by))
    agenda.at(answerAt, () => machine.run(() => answer(Effect.succeed("an answer"))))
    while (agenda.step(100_000)) { /* one step */ }
    return ends
  }

  it("reads an answer that arrived while the process was paused", () => {
    assert.deepStrictEqual(onMachine([9000], 12_000), [Exit.succeed("an answer")])
  })

  it("reads an answer that arrived while the process was paused a second time, before it had read", () => {
    assert.deepStrictEqual(onMachine([9000, 14_500], 16_000), [Exit.succeed("an answer")])
  })

  it("reads an answer that arrived while the process was paused until a moment after its deadline", () => {
    for (const millis of [501, 510, 599]) {
      assert.deepStrictEqual(onMachine([9000, [14_500, millis]], 14_600), [Exit.succeed("an answer")], `${millis} ms`)
    }
  })

  it("reads an answer just after a pause, even if the clock was set meanwhile", () => {
    for (const by of [-600_000, -4000, 600_000]) {
      assert.deepStrictEqual(onMachine([9000], 14_050, { at: 12_000, by }), [Exit.succeed("an answer")], `${by} ms`)
    }
  })

  it("is over for a process that is paused again and again", () => {
    const pauses = Array.from({ length: 19 }, (_, index) => 9000 + index * 5100)
    assert.deepStrictEqual(onMachine(pauses, 99_000), [Exit.fail("late")])
  })

  it.live("reads an answer that arrived while the event loop was blocked", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* withDeadline(answerWhileBlocked, Duration.millis(50), () => "late"), "answer")
    }))
})
