import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as ExecutionStrategy from "effect/ExecutionStrategy"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import { exitOf } from "../../src/internal/effect/fibers.js"
import { isInTransaction } from "../../src/internal/effect/transactions.js"
import * as LayerContext from "../../src/internal/layerContext.js"
import * as FiberRefs from "../utils/effect/fiberRefs.js"
import * as Observers from "../utils/effect/observers.js"
import { hasConnection, inTransaction } from "../utils/effect/transactions.js"

class Name extends Context.Tag("test/Name")<Name, string>() {}

class Shared extends Context.Tag("test/Shared")<Shared, LayerContext.LayerContext<Name> & { scope: Scope.Scope }>() {}

const layer = Layer.scoped(
  Shared,
  Effect.zipWith(LayerContext.make<Name>(), Effect.scope, (context, scope) => ({ ...context, scope }))
)

const note = FiberRefs.make("test/note", "nobody's")

/** The context that shared work runs in. */
const surroundings = Effect.all({
  name: Name,
  note: FiberRefs.get(note),
  span: Effect.map(Effect.serviceOption(Tracer.ParentSpan), Option.isSome),
  scope: Effect.map(Effect.serviceOption(Scope.Scope), Option.isSome),
  transaction: Effect.map(Effect.context<never>(), isInTransaction),
  connection: hasConnection,
  requestInit: Effect.map(Effect.serviceOption(FetchHttpClient.RequestInit), Option.isSome)
})

const ofTheLayer = {
  name: "layer",
  note: "layer's",
  span: false,
  scope: false,
  transaction: false,
  connection: false,
  requestInit: false
}

const built = layer.pipe(
  Layer.provide(Layer.succeed(Name, "layer")),
  FiberRefs.layerLocally(note, "layer's")
)

const inShared = <A, E>(effect: Effect.Effect<A, E, Name>) =>
  Effect.flatMap(Shared, ({ fork, scope }) => Effect.flatMap(fork(effect, scope), Fiber.join))

/** A caller with a context of its own. */
const asCaller = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provideService(Name, "caller"),
    Effect.provideService(FetchHttpClient.RequestInit, { headers: { "x-caller": "1" } }),
    inTransaction,
    Effect.withSpan("caller"),
    FiberRefs.locally(note, "caller's"),
    Effect.scoped
  )

describe("shared work", () => {
  it.effect("runs in the layer's context, and nothing of the caller reaches it", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* asCaller(inShared(surroundings)), ofTheLayer)
    }).pipe(Effect.provide(built)))

  it.effect("has neither the span, nor the scope, nor the transaction that the layer was built in", () =>
    Effect.gen(function*() {
      const context = yield* inTransaction(Effect.withSpan(Layer.build(built), "start-up"))
      assert.deepStrictEqual(yield* Effect.provide(inShared(surroundings), context), ofTheLayer)
    }).pipe(Effect.scoped))

  it.effect("continues when the caller is interrupted, and ends when its scope closes", () =>
    Effect.gen(function*() {
      const { fork, scope } = yield* Shared
      const inner = yield* Scope.fork(scope, ExecutionStrategy.sequential)
      const begun = yield* Deferred.make<Fiber.RuntimeFiber<void>>()
      const caller = yield* Effect.fork(
        Effect.zipRight(
          Effect.flatMap(fork(Effect.sleep("1 hour"), inner), (it) => Deferred.succeed(begun, it)),
          Effect.never
        )
      )
      const work = yield* Deferred.await(begun)
      yield* Fiber.interrupt(caller)
      assert.isUndefined(exitOf(work))
      yield* Scope.close(inner, Exit.void)
      assert.isTrue(Exit.isInterrupted(yield* Fiber.await(work)))
    }).pipe(Effect.provide(built)))

  it.effect("can be interrupted although its layer was built in an uninterruptible region", () =>
    Effect.gen(function*() {
      const context = yield* Effect.uninterruptible(Layer.build(built))
      const { fork, scope } = Context.get(context, Shared)
      const work = yield* Effect.uninterruptible(fork(Effect.never, scope))
      yield* Fiber.interrupt(work)
    }).pipe(Effect.scoped))

  it.effect("runs although its layer was built by a fiber that was being interrupted", () =>
    Effect.gen(function*() {
      const shared = yield* Deferred.make<Context.Context<Shared>>()
      const scope = yield* Effect.scope
      const builder = yield* Effect.fork(
        Effect.onInterrupt(Effect.never, () =>
          Effect.flatMap(Layer.buildWithScope(built, scope), (it) => Deferred.succeed(shared, it)))
      )
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(builder)
      assert.deepStrictEqual(yield* Effect.provide(inShared(surroundings), yield* Deferred.await(shared)), ofTheLayer)
    }).pipe(Effect.scoped))

  it.effect("uses the clock of the layer", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* inShared(Clock.currentTimeMillis), 3_600_000)
    }).pipe(Effect.provide(built)))
})

describe("an effect of the application", () => {
  it.effect("runs under the caller's span, with the layer's services and a scope that closes after it", () =>
    Effect.gen(function*() {
      const closed: Array<string> = []
      const { run } = yield* Shared
      const seen = yield* asCaller(run(
        Effect.acquireRelease(surroundings, () => Effect.sync(() => closed.push("closed")))
      ))
      assert.deepStrictEqual(seen, { ...ofTheLayer, span: true, scope: true })
      assert.deepStrictEqual(closed, ["closed"])
    }).pipe(Effect.provide(built)))

  it.effect("is interrupted with the caller, which waits until the scope is closed", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const { run } = yield* Shared
      const caller = yield* Effect.fork(
        Effect.ensuring(
          run(Effect.zipRight(
            Effect.acquireRelease(Effect.void, () => Effect.map(Effect.yieldNow(), () => events.push("closed"))),
            Effect.never
          )),
          Effect.sync(() => events.push("ended"))
        )
      )
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(caller)
      assert.deepStrictEqual(events, ["closed", "ended"])
    }).pipe(Effect.provide(built)))

  it.effect("does not write its failure to the log, which may contain a secret", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Observers.logger(({ cause, message }) => lines.push(`${String(message)} ${Cause.pretty(cause)}`))
      yield* Effect.gen(function*() {
        const { run } = yield* Shared
        yield* Effect.exit(run(Effect.fail("xoxb-test-secret")))
      }).pipe(
        Effect.provide(built),
        Observers.withLoggers(logger),
        Logger.withMinimumLogLevel(LogLevel.All)
      )
      assert.deepStrictEqual(lines, [])
    }))
})
