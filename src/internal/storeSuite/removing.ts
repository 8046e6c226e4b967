/** Cases of `remove` and `removeCredential`. */
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Installation from "../../Installation.js"
import { botToken, install, t0, userToken } from "./fixtures.js"
import { after, type Case, generationOf, infos, renewed, show, tokenOf } from "./support.js"

export const removing: ReadonlyArray<Case> = [
  ["removes an installation with all its credentials, and nothing else", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(
        install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      )
      const other = yield* store.save(install({ appId, teamId: "T2", bot: botToken("other") }))
      assert.isTrue(yield* store.remove(key))
      assert.isTrue(Option.isNone(yield* store.get(key)))
      assert.isTrue(Option.isNone(yield* store.credential(Installation.botKey(key))))
      assert.isTrue(Option.isNone(yield* store.credential(Installation.userKey(key, "U1"))))
      assert.isFalse(yield* store.remove(key))
      assert.isTrue(Option.isSome(yield* store.get(other.key)))
    })],

  ["removes one credential and keeps the others", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(
        install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      )
      assert.isTrue(yield* store.removeCredential(Installation.userKey(key, "U1")))
      assert.isFalse(yield* store.removeCredential(Installation.userKey(key, "U1")))
      assert.strictEqual(Option.getOrThrow(yield* store.get(key)).users.length, 0)
      assert.isTrue(yield* store.removeCredential(Installation.botKey(key)))
      assert.isTrue(Option.isNone(Option.getOrThrow(yield* store.get(key)).bot))
    })],

  ["never reuses a generation, even after an uninstall", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      const bot = Installation.botKey(installation.key)
      yield* store.save(installation)
      yield* store.compareAndSet(bot, 1, renewed("refreshed"))
      yield* store.remove(installation.key)
      const again = yield* store.save(installation)
      assert.strictEqual(generationOf(again.bot), 3)
      assert.strictEqual(generationOf(again.user("U1")), 2)
      assert.strictEqual((yield* store.compareAndSet(bot, 1, renewed("late")))._tag, "Superseded")
      assert.strictEqual((yield* store.compareAndSet(bot, 2, renewed("late")))._tag, "Superseded")
      yield* store.removeCredential(bot)
      assert.strictEqual(generationOf((yield* store.save(installation)).bot), 4)
    })],

  ["removes an installation only if it is older than the given time", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b"), at: after("1 hour") }))
      assert.isFalse(yield* store.remove(key, { installedBefore: after("59 minutes") }))
      assert.isFalse(yield* store.remove(key, { installedBefore: after("1 hour") }))
      assert.isTrue(Option.isSome(yield* store.get(key)))
      assert.isTrue(yield* store.remove(key, { installedBefore: after("61 minutes") }))
      assert.isTrue(Option.isNone(yield* store.get(key)))
    })],

  ["removes a credential only if its token is older than the given time", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      yield* store.compareAndSet(bot, 1, renewed("refreshed", after("1 hour")))
      assert.isFalse(yield* store.removeCredential(bot, { issuedBefore: after("1 hour") }))
      assert.isTrue(yield* store.removeCredential(bot, { issuedBefore: after("61 minutes") }))
      assert.isTrue(Option.isNone(yield* store.credential(bot)))
    })],

  ["adds missing credentials on an import, and replaces none", (store, appId) =>
    Effect.gen(function*() {
      const keep = { existing: "keep" } as const
      const old = install({ appId, teamId: "T1", bot: botToken("old"), user: ["U1", userToken("old")], name: "Old" })
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("new"), name: "New" }))

      const saved = yield* store.save(old, keep)
      assert.strictEqual(tokenOf(saved.bot), "xoxb-test-new")
      assert.strictEqual(tokenOf(saved.user("U1")), "xoxp-test-old")
      const once = show(yield* store.get(key))
      yield* store.save(old, keep)
      assert.deepStrictEqual(show(yield* store.get(key)), once)
      const { bot, target } = Option.getOrThrow(yield* store.get(key))
      assert.deepStrictEqual([tokenOf(bot), generationOf(bot)], ["xoxb-test-new", 1])
      assert.strictEqual(target._tag === "Workspace" && Option.getOrUndefined(target.team.name), "New")

      yield* store.remove(key, { installedBefore: after("1 minute") })
      yield* store.save(old, keep)
      assert.isTrue(Option.isNone(yield* store.get(key)))
      const newer = install({ appId, teamId: "T1", bot: botToken("newer"), at: after("2 minutes") })
      assert.strictEqual(tokenOf((yield* store.save(newer, keep)).bot), "xoxb-test-newer")
      assert.strictEqual(tokenOf(Option.getOrThrow(yield* store.get(key)).bot), "xoxb-test-newer")
    })],

  [
    "removes all or nothing during concurrent installs",
    (store, appId) =>
      Effect.gen(function*() {
        const installs = [1, 2, 3, 4, 5, 6]
        const people = (n: number) => Array.from({ length: n === 0 ? 20 : 3 }, (_, m) => `U${n}x${m}`)
        const brought = (teamId: string, n: number, at: DateTime.Utc) => {
          const one = install({ appId, teamId, bot: botToken(`${n}`), user: ["U", userToken(`${n}`)], at })
          const users = people(n).flatMap((userId) =>
            one.users.map((user) => new Installation.UserCredential({ ...user, userId }))
          )
          return Installation.withCredentials(one, users)
        }
        const kinds = {
          // An install before the removal is removed. An install after it stays.
          installs: { existing: "replace", at: after("1 minute"), installedBefore: undefined },
          // These are newer than the limit. The removal comes before them, or removes nothing.
          "newer installs": { existing: "replace", at: after("1 minute"), installedBefore: after("30 seconds") },
          // These are older than the removal, so they stay removed.
          imports: { existing: "keep", at: t0, installedBefore: undefined },
          "older imports": { existing: "keep", at: t0, installedBefore: after("30 seconds") }
        } as const
        const rounds = Object.entries(kinds).flatMap(([kind, how]) =>
          Array.from({ length: 6 }, (_, n) => ({ ...how, kind, teamId: `T${n} ${kind}` }))
        )
        yield* Effect.forEach(rounds, ({ at, existing, installedBefore, kind, teamId }) =>
          Effect.gen(function*() {
            const { key } = yield* store.save(brought(teamId, 0, t0))
            const soon = <A, E>(effect: Effect.Effect<A, E>) =>
              Effect.flatMap(Random.nextRange(0, 10), (wait) => Effect.delay(effect, Duration.millis(wait)))
            const [removed] = yield* Effect.all([
              soon(store.remove(key, { installedBefore })),
              Effect.forEach(installs, (n) => soon(store.save(brought(teamId, n, at), { existing })), {
                concurrency: "unbounded"
              })
            ], { concurrency: 2 })

            const there = Option.toArray(yield* store.get(key)).flatMap(({ users }) =>
              users.map(({ userId }) => userId)
            )
            const complete = [0, ...installs].filter((n) => people(n).every((userId) => there.includes(userId)))
            assert.sameMembers(
              there,
              complete.flatMap(people),
              `${teamId}: each install is there completely or not at all`
            )
            if (kind === "installs") assert.strictEqual(complete.includes(0), !removed, teamId)
            if (kind === "newer installs") {
              assert.deepStrictEqual(complete, removed ? installs : [0, ...installs], teamId)
            }
            if (existing === "keep") assert.deepStrictEqual([removed, complete], [true, []], teamId)

            // A removed credential does not come back with the next install.
            yield* store.remove(key)
            for (const n of [0, ...installs]) {
              assert.isTrue(Option.isNone(yield* store.credential(Installation.userKey(key, `U${n}x0`))), teamId)
            }
            yield* store.save(install({ appId, teamId, bot: botToken("again"), at: after("1 hour") }))
            assert.deepStrictEqual(Option.getOrThrow(yield* store.get(key)).users, [], teamId)
          }), { concurrency: 2, discard: true })
        assert.strictEqual((yield* infos(store, appId, { state: "permanent" })).length, rounds.length)
      })
  ]
]
