import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { authTest, inMemory } from "./utils/emulator.js"

const hour = 3_600_000

/** Runs all fibers until they sleep. */
const settle = Effect.repeatN(Effect.yieldNow(), 100)

const isAsleep = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  Effect.map(Effect.zipRight(settle, Fiber.poll(fiber)), Option.isNone)

/** Gives a program a clock over `TestClock`, which takes the place of real time. */
const onMovable = <A, E, R>(program: Effect.Effect<A, E, R>) => Effect.provide(program, MovableClock.layer)

/** The same, for a program that adjusts `TestClock`. */
const onMovableWith = <A, E, R>(
  program: (pass: TestClock.TestClock["adjust"]) => Effect.Effect<A, E, R>
) => TestClock.testClockWith((below) => onMovable(program((duration) => below.adjust(duration))))

describe("MovableClock", () => {
  it.effect("starts at the time of the clock below, runs with it, and is ahead by its moves", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("5 hours")
      yield* onMovableWith((pass) =>
        Effect.gen(function*() {
          assert.strictEqual(yield* Clock.currentTimeMillis, 5 * hour)
          yield* MovableClock.move("12 hours")
          yield* MovableClock.move("30 minutes")
          assert.strictEqual(yield* Clock.currentTimeMillis, 17.5 * hour)
          yield* pass("1 hour")
          assert.strictEqual(yield* Clock.currentTimeMillis, 18.5 * hour)
          assert.strictEqual(yield* Clock.currentTimeNanos, BigInt(18.5 * hour) * 1_000_000n)
          assert.strictEqual(DateTime.toEpochMillis(yield* DateTime.now), 18.5 * hour)
          const clock = yield* Effect.clock
          assert.strictEqual(clock.unsafeCurrentTimeMillis(), 18.5 * hour)
          assert.strictEqual(clock.unsafeCurrentTimeNanos(), BigInt(18.5 * hour) * 1_000_000n)
        })
      )
      assert.strictEqual(yield* Clock.currentTimeMillis, 6 * hour, "outside nothing was moved")
    }))

  it.effect("counts whole milliseconds, and keeps fractions of its moves", () =>
    onMovable(Effect.gen(function*() {
      yield* MovableClock.move("600 micros")
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
      assert.strictEqual(yield* Clock.currentTimeNanos, 600_000n)
      yield* MovableClock.move("600 micros")
      assert.strictEqual(yield* Clock.currentTimeMillis, 1)
    })))

  it.effect("does not move back", () =>
    onMovable(Effect.gen(function*() {
      yield* MovableClock.move("1 hour")
      yield* MovableClock.move(-hour)
      assert.strictEqual(yield* Clock.currentTimeMillis, hour)
    })))

  it.effect("refuses an infinite move", () =>
    onMovable(Effect.gen(function*() {
      const exit = yield* Effect.exit(MovableClock.move(Duration.infinity))
      assert.isTrue(Exit.isFailure(exit) && Cause.isDie(exit.cause))
      assert.strictEqual(yield* Clock.currentTimeMillis, 0)
    })))

  it.effect("sleeps as long as the clock below", () =>
    onMovableWith((pass) =>
      Effect.gen(function*() {
        const sleeper = yield* Effect.fork(Effect.sleep("1 hour"))
        assert.isTrue(yield* isAsleep(sleeper))
        yield* pass("59 minutes")
        assert.isTrue(yield* isAsleep(sleeper))
        yield* pass("1 minute")
        assert.isFalse(yield* isAsleep(sleeper))
      })
    ))

  it.effect("wakes a sleep whose end a move has passed", () =>
    onMovable(Effect.gen(function*() {
      const sleeper = yield* Effect.fork(Effect.sleep("1 hour"))
      yield* settle
      yield* MovableClock.move("1 hour")
      assert.isFalse(yield* isAsleep(sleeper))
    })))

  it.effect("shortens a sleep by the moves during it", () =>
    onMovableWith((pass) =>
      Effect.gen(function*() {
        const sleeper = yield* Effect.fork(Effect.sleep("10 hours"))
        yield* settle
        yield* MovableClock.move("4 hours")
        yield* pass("1 hour")
        yield* MovableClock.move("4 hours")
        assert.isTrue(yield* isAsleep(sleeper))
        yield* pass("59 minutes")
        assert.isTrue(yield* isAsleep(sleeper))
        yield* pass("1 minute")
        assert.isFalse(yield* isAsleep(sleeper))
      })
    ))

  it.effect("wakes sleeps in the order of their ends", () =>
    Effect.promise(() =>
      FastCheck.assert(
        FastCheck.asyncProperty(FastCheck.array(FastCheck.integer({ min: 1, max: 20 }), { maxLength: 40 }), (minutes) =>
          Effect.runPromise(onMovable(Effect.gen(function*() {
            const woken: Array<readonly [number, number]> = []
            const sleepers = yield* Effect.forEach(minutes, (minute, index) =>
              Effect.sleep(Duration.minutes(minute)).pipe(
                Effect.zipRight(Effect.sync(() => woken.push([minute, index]))),
                Effect.fork
              ))
            yield* settle
            yield* MovableClock.move("20 minutes")
            yield* Fiber.joinAll(sleepers)
            const inOrder = minutes.map((minute, index) =>
              [minute, index] as const
            ).sort(([a], [b]) => a - b)
            assert.deepStrictEqual(woken, inOrder)
          }))))
      )
    ))

  it.effect("can be moved by a fiber that a move has woken", () =>
    onMovable(Effect.gen(function*() {
      const chain = yield* Effect.fork(
        Effect.zipRight(Effect.sleep("1 hour"), MovableClock.move("1 hour"))
      )
      const sleeper = yield* Effect.fork(Effect.sleep("2 hours"))
      yield* settle
      yield* MovableClock.move("1 hour")
      assert.isFalse(yield* isAsleep(chain))
      assert.isFalse(yield* isAsleep(sleeper))
    })))

  it.effect("forgets an interrupted sleep", () =>
    Effect.gen(function*() {
      let underWay = 0
      const below: Clock.Clock = {
        ...(yield* Effect.clock),
        unsafeCurrentTimeMillis: () => 0,
        unsafeCurrentTimeNanos: () => 0n,
        sleep: () =>
          Effect.acquireUseRelease(
            Effect.sync(() => underWay++),
            () => Effect.never,
            () => Effect.sync(() => underWay--)
          )
      }
      yield* onMovable(Effect.gen(function*() {
        const interrupted = yield* Effect.fork(Effect.sleep("1 hour"))
        const moved = yield* Effect.fork(Effect.sleep("2 hours"))
        yield* settle
        assert.strictEqual(underWay, 2)
        yield* Fiber.interrupt(interrupted)
        assert.strictEqual(underWay, 1)
        // A sleep that continues after a move leaves no sleeper behind.
        yield* MovableClock.move("1 hour")
        assert.isTrue(yield* isAsleep(moved))
        assert.strictEqual(underWay, 1)
        yield* MovableClock.move("1 hour")
        assert.isFalse(yield* isAsleep(moved))
        assert.strictEqual(underWay, 0)
      })).pipe(Effect.withClock(below))
    }))

  it.effect("wakes sleeps in uninterruptible regions", () =>
    onMovableWith((pass) =>
      Effect.gen(function*() {
        const byMove = yield* Effect.fork(Effect.uninterruptible(Effect.sleep("1 hour")))
        const byTime = yield* Effect.fork(Effect.uninterruptible(Effect.sleep("3 hours")))
        yield* settle
        yield* MovableClock.move("1 hour")
        assert.isFalse(yield* isAsleep(byMove))
        yield* pass("2 hours")
        assert.isFalse(yield* isAsleep(byTime))
      })
    ))

  it.effect("ends timeouts", () =>
    onMovable(Effect.gen(function*() {
      const waiting = yield* Effect.fork(Effect.timeoutOption(Effect.never, "12 hours"))
      yield* settle
      yield* MovableClock.move("12 hours")
      assert.deepStrictEqual(yield* Fiber.join(waiting), Option.none())
    })))

  it.effect("runs a schedule once after a move, not for each interval", () =>
    onMovable(Effect.gen(function*() {
      let beats = 0
      yield* Effect.fork(Effect.repeat(Effect.sync(() => beats++), Schedule.fixed("1 minute")))
      yield* settle
      assert.strictEqual(beats, 1)
      yield* MovableClock.move("12 hours")
      yield* settle
      assert.isAtLeast(beats, 2)
      assert.isAtMost(beats, 3)
    })))

  it.effect("is the clock of streams and of forked fibers", () =>
    onMovable(Effect.gen(function*() {
      const first = yield* Stream.fromSchedule(Schedule.spaced("1 hour")).pipe(
        Stream.mapEffect(() => Clock.currentTimeMillis),
        Stream.runHead,
        Effect.forkDaemon
      )
      yield* settle
      yield* MovableClock.move("1 hour")
      assert.deepStrictEqual(yield* Fiber.join(first), Option.some(hour))
    })))

  it.effect("is the same clock for all layers above it", () => {
    class Born extends Context.Tag("Born")<Born, Effect.Effect<number>>() {}
    const Above = Layer.effect(Born, Effect.map(Effect.clock, (clock) => clock.currentTimeMillis))
    return Effect.gen(function*() {
      yield* MovableClock.move("1 hour")
      assert.strictEqual(yield* Effect.flatten(Born), hour)
    }).pipe(Effect.provide(Layer.provideMerge(Above, MovableClock.layer)))
  })

  it.live("runs with real time, and really sleeps", () =>
    onMovable(Effect.gen(function*() {
      yield* MovableClock.move("1 hour")
      const before = yield* Clock.currentTimeMillis
      const real = Date.now()
      assert.approximately(before - real, hour, 1000)
      yield* Effect.sleep("30 millis")
      assert.isAtLeast(Date.now() - real, 29)
      assert.isAtLeast((yield* Clock.currentTimeMillis) - before, 29)

      const done = yield* Deferred.make<void>()
      yield* Effect.fork(Effect.zipRight(Effect.sleep("100 days"), Deferred.succeed(done, undefined)))
      yield* Effect.sleep("1 millis")
      yield* MovableClock.move("100 days")
      yield* Deferred.await(done)
      assert.isBelow(Date.now() - real, 5000)
    })))
})

describe("SlackEmulator with a MovableClock", () => {
  it.effect("expires codes, tokens and grace periods", () =>
    Effect.gen(function*() {
      const late = yield* SlackEmulator.authorize()
      const { code } = yield* SlackEmulator.authorize()
      const installed = Option.getOrThrow((yield* OAuthV2.access({ code })).bot)
      const refreshToken = Option.getOrThrow(Option.getOrThrow(installed.expiry).refreshToken)
      yield* MovableClock.move("10 minutes")
      assert.strictEqual((yield* Effect.flip(OAuthV2.access({ code: late.code })))._tag, "SlackInvalidCode")
      assert.isTrue((yield* authTest(installed.accessToken)).ok)
      yield* MovableClock.move("710 minutes")
      assert.strictEqual((yield* authTest(installed.accessToken)).error, "token_expired")
      yield* OAuthV2.access({ refreshToken })
      yield* MovableClock.move("1 minute")
      const spent = yield* Effect.flip(OAuthV2.access({ refreshToken }))
      assert.strictEqual(spent._tag, "SlackInvalidRefreshToken")
    }).pipe(Effect.provide(Layer.provideMerge(inMemory(), MovableClock.layer))))
})
