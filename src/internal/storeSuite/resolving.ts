/** Cases of `resolve`, `changes` and `onChange`. */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Installation from "../../Installation.js"
import * as InstallationStore from "../../InstallationStore.js"
import { botToken, install, t0, userToken } from "./fixtures.js"
import { after, atOnce, type Case, renewed } from "./support.js"

const textOf = Option.match({ onNone: () => "nothing", onSome: String })

const dead = Installation.Change.Dead({ code: "invalid_refresh_token", since: t0 })

/** The texts of the keys that listeners hear while `run` runs. */
const heardDuring = <A, E>(store: InstallationStore.Service, run: Effect.Effect<A, E>) =>
  Effect.scoped(Effect.gen(function*() {
    const heard: Array<InstallationStore.Change> = []
    yield* store.onChange((change) => heard.push(change))
    const result = yield* run
    const changes = heard.map(({ generation, key }) => generation === undefined ? String(key) : `${key} ${generation}`)
    return { changes, result }
  }))

export const resolving: ReadonlyArray<Case> = [
  ["names the workspace's installation, otherwise its organization's", (store, appId) =>
    Effect.gen(function*() {
      const resolve = (place: Installation.Place) => Effect.map(store.resolve({ appId, ...place }), textOf)
      const workspace = yield* store.save(
        install({ appId, teamId: "T1", enterpriseId: "E1", bot: botToken("workspace") })
      )
      assert.strictEqual(yield* resolve({ teamId: "T2", enterpriseId: "E1" }), "nothing")
      const organization = yield* store.save(install({ appId, enterpriseId: "E1", bot: botToken("organization") }))
      assert.strictEqual(yield* resolve({ teamId: "T1", enterpriseId: "E1" }), String(workspace.key))
      assert.strictEqual(yield* resolve({ teamId: "T1" }), String(workspace.key))
      assert.strictEqual(yield* resolve({ teamId: "T2", enterpriseId: "E1" }), String(organization.key))
      assert.strictEqual(yield* resolve({ teamId: "", enterpriseId: "E1" }), String(organization.key))
      assert.strictEqual(
        yield* resolve({ teamId: "T1", enterpriseId: "E1", isEnterpriseInstall: true }),
        String(organization.key)
      )
      assert.strictEqual(yield* resolve({ teamId: "T2" }), "nothing")
      assert.strictEqual(yield* resolve({ appId: `${appId}X`, teamId: "T1" }), "nothing")
      assert.strictEqual(yield* resolve({ appId: undefined, teamId: "T1" }), "nothing")
      assert.strictEqual(yield* resolve({}), "nothing")
    })],

  [
    "names the first installation that can serve: alive for the subject, then alive, then any",
    (store, appId) =>
      Effect.gen(function*() {
        const place = { appId, teamId: "T1", enterpriseId: "E1" }
        const resolve = (subject?: string) => Effect.map(store.resolve(place, { subject }), textOf)
        const people = [["U1", userToken("one")], ["U2", userToken("two")]] as const
        const workspace = install({ appId, teamId: "T1", bot: botToken("workspace"), user: people[0] })
        const organization = install({ appId, enterpriseId: "E1", bot: botToken("organization"), user: people[1] })
        yield* store.save(workspace)
        yield* store.save(organization)
        const [inWorkspace, inOrganization] = [String(workspace.key), String(organization.key)]

        assert.deepStrictEqual(
          [yield* resolve(), yield* resolve("bot"), yield* resolve("U1"), yield* resolve("U2"), yield* resolve("U3")],
          [inWorkspace, inWorkspace, inWorkspace, inOrganization, inWorkspace]
        )
        yield* store.compareAndSet(Installation.botKey(workspace.key), 1, dead)
        assert.strictEqual(yield* resolve(), inOrganization)
        yield* store.removeCredential(Installation.botKey(organization.key))
        assert.strictEqual(yield* resolve(), inWorkspace)
        yield* store.compareAndSet(Installation.userKey(workspace.key, "U1"), 1, dead)
        assert.deepStrictEqual([yield* resolve(), yield* resolve("U1")], [inOrganization, inOrganization])
        yield* store.compareAndSet(Installation.userKey(organization.key, "U2"), 1, dead)
        assert.strictEqual(yield* resolve(), inWorkspace)
        yield* store.save(organization)
        assert.strictEqual(yield* resolve(), inOrganization)
        yield* store.remove(organization.key)
        yield* store.remove(workspace.key)
        assert.strictEqual(yield* resolve(), "nothing")
      })
  ],

  [
    "names an installation without credentials, and one whose ids have special characters",
    (store, appId) =>
      Effect.gen(function*() {
        const odd = "a/b, 'ü💚' %2C"
        const { key } = yield* store.save(install({ appId, teamId: odd, user: [odd, userToken("odd")] }))
        yield* store.save(
          install({ appId, enterpriseId: "E1", bot: botToken("organization"), user: ["U,1", userToken("u")] })
        )
        const resolve = (subject: string) =>
          Effect.map(store.resolve({ appId, teamId: odd, enterpriseId: "E1" }, { subject }), textOf)
        assert.strictEqual(yield* resolve(odd), String(key))
        assert.strictEqual(yield* resolve("U,1"), String(Installation.organization(appId, "E1")))
        assert.strictEqual(yield* resolve("U"), String(key))
        yield* store.removeCredential(Installation.userKey(key, odd))
        assert.strictEqual(yield* Effect.map(store.resolve({ appId, teamId: odd }), textOf), String(key))
      })
  ],

  ["agrees with find", (store, appId) =>
    Effect.gen(function*() {
      yield* store.save(install({ appId, teamId: "T1", user: ["U1", userToken("u")] }))
      yield* store.save(install({ appId, enterpriseId: "E1", bot: botToken("organization") }))
      for (const subject of ["bot", "U1", "U2"]) {
        const place = { appId, teamId: "T1", enterpriseId: "E1" }
        const found = yield* Effect.provideService(
          InstallationStore.find(place, { subject }),
          InstallationStore.InstallationStore,
          store
        )
        assert.strictEqual(
          yield* Effect.map(store.resolve(place, { subject }), textOf),
          textOf(Option.map(found, ({ key }) => key))
        )
      }
    })],

  ["tells listeners what it has written, before the write returns", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      const { key } = installation
      const [bot, user] = [Installation.botKey(key), Installation.userKey(key, "U1")]
      const heard = <A, E>(run: Effect.Effect<A, E>) => Effect.map(heardDuring(store, run), ({ changes }) => changes)
      assert.deepStrictEqual(yield* heard(store.save(installation)), [String(key)])
      assert.deepStrictEqual(yield* heard(store.compareAndSet(bot, 1, renewed("b2"))), [`${bot} 2`])
      assert.deepStrictEqual(yield* heard(store.compareAndSet(bot, 1, renewed("b3"))), [])
      assert.deepStrictEqual(yield* heard(store.removeCredential(user)), [String(user)])
      assert.deepStrictEqual(yield* heard(store.removeCredential(user)), [])
      assert.deepStrictEqual(yield* heard(store.remove(key, { installedBefore: t0 })), [])
      assert.deepStrictEqual(yield* heard(store.remove(key, { installedBefore: after("1 second") })), [String(key)])
      assert.deepStrictEqual(yield* heard(store.remove(key)), [])
      assert.deepStrictEqual(yield* heard(Effect.all([store.get(key), store.credential(bot), store.counts()])), [])
    })],

  ["emits the keys of what it has written", (store, appId) =>
    Effect.gen(function*() {
      const ready = yield* Deferred.make<void>()
      const own = Stream.filter(store.changes, (key) => String(key).startsWith(`${appId}/`))
      const keys = yield* Effect.fork(
        Stream.runCollect(
          Stream.take(own.pipe(Stream.tap(() => Deferred.succeed(ready, undefined))), 11)
        )
      )
      // The subscription begins when the stream runs: write until something is heard.
      yield* store.save(install({ appId, teamId: "T0", bot: botToken("b") })).pipe(
        Effect.zipRight(Effect.yieldNow()),
        Effect.repeat({ until: () => Deferred.isDone(ready) })
      )
      yield* atOnce(10, (n) => store.save(install({ appId, teamId: `T${n + 1}`, bot: botToken("b") })))
      const texts = Array.from(yield* Fiber.join(keys), String)
      assert.includeMembers(texts, [`${appId}/workspace/T0`])
    })]
]
