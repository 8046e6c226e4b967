/** Cases of `stream`, `credentials` and `counts`. */
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Installation from "../../Installation.js"
import * as InstallationStore from "../../InstallationStore.js"
import { botToken, install, t0, userToken } from "./fixtures.js"
import { after, atOnce, type Case, infos, keysOf, renewed, swapped, tokenOf } from "./support.js"

export const streaming: ReadonlyArray<Case> = [
  [
    "streams every installation once and completely, during concurrent writes",
    (store, appId, count) =>
      Effect.gen(function*() {
        yield* atOnce(
          count,
          (n) =>
            store.save(install({ appId, teamId: `T${n}`, bot: botToken(`b${n}`), user: [`U${n}`, userToken(`u${n}`)] }))
        )
        yield* store.save(install({ appId, enterpriseId: "E1", bot: botToken("organization") }))
        const seen = new Map<string, number>()
        yield* Stream.runForEach(
          Stream.filter(store.stream, (installation) => installation.appId === appId),
          (installation) =>
            Effect.gen(function*() {
              const id = String(installation.key)
              seen.set(id, (seen.get(id) ?? 0) + 1)
              if (installation.target._tag === "Organization") return
              const n = installation.target.team.id.slice(1)
              assert.strictEqual(tokenOf(installation.user(`U${n}`)), `xoxp-test-u${n}`)
              if (Number(n) % 50 === 0) {
                assert.strictEqual(tokenOf(installation.bot), `xoxb-test-b${n}`)
                yield* store.compareAndSet(Installation.botKey(installation.key), 1, renewed("meanwhile"))
              }
            })
        )
        assert.strictEqual(seen.size, count + 1)
        assert.deepStrictEqual(Array.from(seen.values()).filter((times) => times !== 1), [])
        const few = yield* Stream.runCollect(Stream.take(store.stream, 3))
        assert.strictEqual(few.length, 3)
      })
  ],

  ["lists and counts rotating, permanent and dead credentials", (store, appId) =>
    Effect.gen(function*() {
      const before = yield* store.counts({ expiringBefore: after("3 hours") })
      const save = (teamId: string, expiresAt?: DateTime.Utc) =>
        store.save(install({ appId, teamId, bot: botToken(teamId, expiresAt), user: ["U1", userToken(teamId)] }))
      yield* save("T1")
      yield* save("T2", after("2 hours"))
      yield* save("T3", after("3 hours"))
      const { key: dead } = yield* save("T4", after("1 hour"))
      yield* store.compareAndSet(
        Installation.botKey(dead),
        1,
        Installation.Change.Dead({ code: "token_revoked", since: t0 })
      )
      const { key: gone } = yield* save("T5", after("1 hour"))
      yield* store.remove(gone)

      const rotating = yield* infos(store, appId, { state: "rotating" })
      assert.sameMembers(keysOf(rotating), [`${appId}/workspace/T2/bot`, `${appId}/workspace/T3/bot`])
      const [due] = yield* infos(store, appId, { state: "rotating", expiresBefore: after("3 hours") })
      assert.strictEqual(String(due!.key), `${appId}/workspace/T2/bot`)
      assert.strictEqual(due!.generation, 1)
      assert.isTrue(DateTime.Equivalence(Option.getOrThrow(due!.expiresAt), after("2 hours")))
      assert.isTrue(DateTime.Equivalence(due!.issuedAt, t0))
      assert.sameMembers(
        keysOf(yield* infos(store, appId, { state: "permanent" })),
        ["T1/bot", "T1/U1", "T2/U1", "T3/U1", "T4/U1"].map((key) => `${appId}/workspace/${key}`)
      )
      const [corpse, ...rest] = yield* infos(store, appId, { state: "dead" })
      assert.deepStrictEqual(rest, [])
      assert.strictEqual(Option.getOrThrow(corpse!.reauthorization).code, "token_revoked")

      const counts = yield* store.counts({ expiringBefore: after("3 hours") })
      const added = { installations: 4, bots: 4, users: 4, rotating: 2, permanent: 5, dead: 1, expiring: 1 }
      for (const name of Object.keys(added) as Array<keyof InstallationStore.Counts>) {
        assert.strictEqual(counts[name] - before[name], added[name], name)
      }
      assert.strictEqual((yield* store.counts()).expiring, 0)
    })],

  [
    "lists credentials that expire before a time, by expiry, and not those that were renewed",
    (store, appId, count) =>
      Effect.gen(function*() {
        yield* atOnce(count, (n) =>
          store.save(install({
            appId,
            teamId: `T${n}`,
            bot: botToken(`b${n}`, after(Duration.seconds((n * 7919) % count)))
          })))
        const due = yield* infos(store, appId, {
          state: "rotating",
          expiresBefore: after(Duration.seconds(count - 50))
        })
        assert.strictEqual(due.length, count - 50)
        const times = due.map(({ expiresAt }) => DateTime.toEpochMillis(Option.getOrThrow(expiresAt)))
        assert.deepStrictEqual(times, [...times].sort((a, b) => a - b))
        const [first] = due
        swapped(yield* store.compareAndSet(first!.key, 1, renewed("refreshed")))
        const left = yield* infos(store, appId, {
          state: "rotating",
          expiresBefore: after(Duration.seconds(count - 50))
        })
        assert.strictEqual(left.length, count - 51)
        assert.notInclude(keysOf(left), String(first!.key))
      })
  ]
]
