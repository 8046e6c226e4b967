/**
 * A refresh that is cut off. Slack's answer comes once, so nothing may come between it and the store: not the end of the
 * caller, and not the end of the manager.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import { type FaultyStore, makeFaultyStore } from "./utils/faultyStore.js"
import { install, refreshes } from "./utils/installations.js"

const live = (store: FaultyStore) =>
  store.layer.pipe(
    Layer.provideMerge(InstallationStore.layerMemory),
    Layer.provideMerge(OAuthV2.layer),
    Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
    Layer.provideMerge(SlackEmulator.layer())
  )

const cuts: Readonly<
  Record<string, (caller: Fiber.RuntimeFiber<unknown, unknown>, manager: Scope.CloseableScope) => Effect.Effect<void>>
> = {
  "its caller is interrupted": (caller) => Effect.asVoid(Fiber.interrupt(caller)),
  "its manager is closed": (_, manager) => Scope.close(manager, Exit.void),
  "its caller is interrupted, and its manager is closed": (caller, manager) =>
    Effect.zipRight(Fiber.interruptFork(caller), Scope.close(manager, Exit.void))
}

describe("a refresh", () => {
  for (const [name, cut] of Object.entries(cuts)) {
    it.effect(`saves Slack's answer, although ${name} while the store saves it`, () => {
      const store = makeFaultyStore()
      return Effect.gen(function*() {
        const { key } = yield* install()
        yield* TestClock.adjust("12 hours")
        const answered = yield* Deferred.make<void>()
        const saved = yield* Deferred.make<void>()
        store.before("compareAndSet", Effect.zipRight(Deferred.succeed(answered, undefined), Deferred.await(saved)))
        const scope = yield* Scope.make()
        const manager = yield* Scope.extend(TokenManager.make(), scope)
        const caller = yield* Effect.fork(manager.botToken(key))
        yield* Deferred.await(answered)
        const cutting = yield* Effect.fork(cut(caller, scope))
        yield* Effect.yieldNow()
        yield* Deferred.succeed(saved, undefined)
        yield* Fiber.join(cutting)
        yield* Scope.close(scope, Exit.void)

        const later = yield* TokenManager.make()
        yield* later.botToken(key)
        assert.strictEqual(yield* refreshes, 1)
      }).pipe(Effect.scoped, Effect.provide(live(store)))
    })

    it.effect(`loses no answer of Slack, at whichever step ${name}`, () => {
      const store = makeFaultyStore()
      // The store takes some steps too.
      store.before("compareAndSet", Effect.repeatN(Effect.yieldNow(), 9))
      return Effect.gen(function*() {
        const { key } = yield* install()
        for (let steps = 0; steps < 50; steps++) {
          yield* TestClock.adjust("12 hours")
          const scope = yield* Scope.make()
          const manager = yield* Scope.extend(TokenManager.make(), scope)
          const caller = yield* Effect.fork(manager.botToken(key))
          for (let step = 0; step < steps; step++) yield* Effect.yieldNow()
          yield* cut(caller, scope)
          yield* Scope.close(scope, Exit.void)
        }
        assert.isAbove(yield* refreshes, 10)
        // A token that was lost makes the next refresh send its predecessor again.
        assert.deepStrictEqual(yield* SlackEmulator.replays, [])
        const [chain] = yield* SlackEmulator.chains
        const stored = yield* Effect.flatten(
          Effect.flatMap(InstallationStore.InstallationStore, (it) => it.credential(Installation.botKey(key)))
        )
        assert.include(chain?.liveAccessTokens.map(Redacted.value), Redacted.value(stored.token.accessToken))
      }).pipe(Effect.provide(live(store)))
    })
  }
})
