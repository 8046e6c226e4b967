/**
 * The emulator with many installations, and for a long time: its state is bounded.
 */
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Ring from "../src/internal/emulator/ring.js"
import * as Seed from "../src/internal/emulator/seed.js"
import * as Views from "../src/internal/emulator/views.js"
import * as World from "../src/internal/emulator/world.js"
import { authTest, inMemory } from "./utils/emulator.js"

describe("a ring", () => {
  it("has the latest values, oldest first, and returns what it forgets", () => {
    const ring = Ring.make<number>(3)
    assert.deepStrictEqual([1, 2, 3].map((value) => Ring.add(ring, value)), [undefined, undefined, undefined])
    assert.deepStrictEqual([4, 5].map((value) => Ring.add(ring, value)), [1, 2])
    assert.deepStrictEqual(Ring.toArray(ring), [3, 4, 5])
    assert.strictEqual(ring.dropped, 2)
    Ring.clear(ring)
    assert.deepStrictEqual(Ring.toArray(ring), [])
  })
})

const install = (workspace?: string) =>
  Effect.flatMap(SlackEmulator.authorize({ workspace }), ({ code }) => OAuthV2.access({ code }))

describe("the emulator", () => {
  it.effect("forgets what does not work any more, and never what works", () =>
    Effect.gen(function*() {
      const first = Option.getOrThrow((yield* install()).bot)
      let bot = first
      const refresh = Effect.gen(function*() {
        yield* TestClock.adjust("13 hours")
        const refreshToken = Option.getOrThrow(Option.getOrThrow(bot.expiry).refreshToken)
        bot = Option.getOrThrow((yield* OAuthV2.access({ refreshToken })).bot)
      })
      yield* Effect.repeatN(refresh, 2)
      assert.strictEqual((yield* authTest(first.accessToken)).error, "token_expired")
      yield* Effect.repeatN(refresh, 10)
      assert.strictEqual((yield* authTest(first.accessToken)).error, "invalid_auth", "it is forgotten")
      assert.isTrue((yield* authTest(bot.accessToken)).ok)

      for (let round = 0; round < 10; round++) {
        yield* SlackEmulator.uninstall()
        yield* install()
      }
      const chains = yield* SlackEmulator.chains
      assert.deepStrictEqual(
        chains.map(({ ended, number }) => [number, Option.isSome(ended)]),
        [[6, true], [7, true], [8, true], [9, true], [10, true], [11, false]]
      )
      assert.isAtMost((yield* SlackEmulator.calls).length, 5)
    }).pipe(Effect.provide(inMemory({ historySize: 5 }))))

  it("looks at few generations for each refresh of a chain, also if many are in their grace period", () => {
    const day = 86_400_000
    const rules = {
      codeLifetime: day,
      accessTokenLifetime: day,
      refreshGracePeriod: 60_000,
      publicRefreshTokenLifetime: day
    }
    const world = World.make(rules, 10)
    const workspace = Seed.addWorkspace(world)
    const chain = World.chainFor(world, Seed.addApp(world), { _tag: "Workspace", workspace }, undefined, ["chat:write"])
    const refresh = (now: number) => {
      const how = { how: "refresh", rotates: true, publicClient: false } as const
      World.issue(world, World.makeTurn(now, now), chain, how).spentAt = now
    }
    for (let now = 0; now < 1000; now++) refresh(now)
    assert.isAtMost(chain.generations.length, 4)
    assert.strictEqual(Views.chains(world, 1000)[0]?.liveRefreshTokens.length, 1000, "all are in their grace period")
    refresh(60_500)
    assert.strictEqual(Views.chains(world, 60_500)[0]?.liveRefreshTokens.length, 500)
    refresh(2 * day)
    assert.strictEqual(World.generationsOf(chain).length, 1)
  })

  it.effect("has an uninstall and an install in an organization that do not look at every chain", () =>
    Effect.gen(function*() {
      const ids = Array.from({ length: 2000 }, (_, index) => `T${index}`)
      yield* Effect.forEach(ids, (id) => SlackEmulator.addWorkspace({ id, organization: "E0ORG" }), { discard: true })
      yield* Effect.forEach(ids, (id) => SlackEmulator.issueLegacyToken({ workspace: id }), { discard: true })
      yield* SlackEmulator.uninstall({ workspace: "T7" })
      yield* install("T8")
      const ended = (yield* SlackEmulator.chains).filter(({ ended }) => Option.isSome(ended))
      assert.deepStrictEqual(ended.map(({ target }) => target), ["T7"])
    }).pipe(Effect.provide(inMemory({ organizations: [{ id: "E0ORG" }], workspaces: [] }))))
})
