/** Tokens by place, and what a manager hears of changes in its process. */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { botToken, install, t0, userToken } from "../src/internal/storeSuite/fixtures.js"
import { inTransaction } from "./utils/effect/transactions.js"
import { unavailable } from "./utils/faultyStore.js"

const appId = "A0TEST"
const place = { appId, teamId: "T1" }
const inGrid = { appId, teamId: "T1", enterpriseId: "E1" }
const workspace = Installation.workspace(appId, "T1")
const bot = Installation.botKey(workspace)

const inWorkspace = (name: string, more: object = {}) =>
  install({ appId, teamId: "T1", bot: botToken(name), user: ["U1", userToken(name)], ...more })
const inOrganization = (name: string) => install({ appId, enterpriseId: "E1", bot: botToken(name) })

type Reads = { resolve: number; credential: number }

/** Stores, and how to write to their storage without their knowing. */
const silent = new WeakMap<InstallationStore.Service, InstallationStore.Service>()

/** A store in memory that counts its reads. What `before` returns runs before the result of each of them. */
const counted = (
  reads: Reads,
  before: (operation: keyof Reads) => Effect.Effect<unknown, InstallationStore.InstallationStoreError> = () =>
    Effect.void
) =>
  Layer.effect(
    InstallationStore.InstallationStore,
    Effect.map(InstallationStore.InstallationStore, (store) => {
      const count = <A, E>(operation: keyof Reads, read: Effect.Effect<A, E>) =>
        Effect.suspend(() => {
          reads[operation]++
          return Effect.tap(read, () => before(operation))
        })
      // The manager hears what the outer store writes, and not what the inner one does.
      const outer = InstallationStore.make({
        ...store,
        resolve: (place, options) => count("resolve", store.resolve(place, options)),
        credential: (key) => count("credential", store.credential(key))
      })
      silent.set(outer, store)
      return outer
    })
  ).pipe(Layer.provide(InstallationStore.layerMemory))

const test = (
  name: string,
  run: (reads: Reads) => Effect.Effect<void, unknown, TokenManager.TokenManager | InstallationStore.InstallationStore>,
  { before, ...options }: TokenManager.Options & { readonly before?: Parameters<typeof counted>[1] } = {}
) =>
  it.effect(name, () => {
    const reads = { resolve: 0, credential: 0 }
    return Effect.zipRight(TestClock.setTime(DateTime.toEpochMillis(t0)), run(reads)).pipe(
      Effect.provide(
        TokenManager.layer(options).pipe(
          Layer.provideMerge(counted(reads, before)),
          Layer.provide(SlackApp.layer({ clientId: "1.2", appId })),
          Layer.provide(OAuthV2.layerTest({
            access: () => Effect.fail(OAuthV2Error.fromCode("service_unavailable", { method: "oauth.v2.access" }))
          }))
        )
      )
    )
  })

/** The token of a place as text, or the tag of the error. */
const tokenAt = (at: Installation.Place, userId?: string) =>
  Effect.merge(
    Effect.mapBoth(userId === undefined ? TokenManager.botTokenFor(at) : TokenManager.userTokenFor(at, userId), {
      onFailure: ({ _tag }) => _tag,
      onSuccess: Redacted.value
    })
  )

const { save } = InstallationStore

describe("a token by place", () => {
  test("is read once, and then served without I/O", (reads) =>
    Effect.gen(function*() {
      yield* save(inWorkspace("one"))
      for (let n = 0; n < 3; n++) {
        assert.strictEqual(yield* tokenAt(place), "xoxb-test-one")
        assert.strictEqual(yield* tokenAt(place, "U1"), "xoxp-test-one")
        assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-one")
        // The same credentials by key.
        assert.strictEqual(Redacted.value(yield* TokenManager.botToken(workspace)), "xoxb-test-one")
      }
      assert.deepStrictEqual(reads, { resolve: 1, credential: 2 })
    }))

  test("is served without I/O inside a transaction too", (reads) =>
    Effect.gen(function*() {
      yield* save(inWorkspace("one"))
      yield* tokenAt(inGrid)
      const before = { ...reads }
      assert.strictEqual(yield* inTransaction(tokenAt(inGrid)), "xoxb-test-one")
      assert.strictEqual(
        yield* inTransaction(Effect.map(TokenManager.botToken(workspace), Redacted.value)),
        "xoxb-test-one"
      )
      assert.deepStrictEqual(reads, before)
    }))

  test("is that of the installation that can serve, workspace before organization", (reads) =>
    Effect.gen(function*() {
      const { key } = yield* save(inOrganization("organization"))
      assert.strictEqual(yield* tokenAt({ appId, teamId: "T2", enterpriseId: "E1" }), "xoxb-test-organization")
      assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-organization")
      yield* save(inWorkspace("workspace"))
      assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-workspace")
      assert.strictEqual(yield* tokenAt({ ...inGrid, isEnterpriseInstall: true }), "xoxb-test-organization")
      const store = yield* InstallationStore.InstallationStore
      yield* store.removeCredential(bot)
      assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-organization")
      yield* store.remove(key)
      assert.strictEqual(yield* tokenAt(inGrid), "NotInstalled")
      assert.isAbove(reads.resolve, 3)
    }))

  test("is that of the app of the context, if the place names none", () =>
    Effect.gen(function*() {
      yield* save(inWorkspace("one"))
      assert.strictEqual(yield* tokenAt({ teamId: "T1" }), "xoxb-test-one")
      assert.strictEqual(yield* tokenAt({ teamId: "T1", appId: "A0OTHER" }), "NotInstalled")
      assert.strictEqual(yield* tokenAt({ teamId: "T1" }), "xoxb-test-one")
    }))

  test("does not exist at a place without ids, and the error says so", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(TokenManager.botTokenFor({}))
      assert.include(error.message, "neither a workspace nor an organization")
    }))

  test("has the key that credentialFor names, for the bot and for a person", () =>
    Effect.gen(function*() {
      const { credentialFor } = yield* TokenManager.TokenManager
      yield* save(inWorkspace("one"))
      const keys = [yield* credentialFor(inGrid), yield* credentialFor(inGrid, "U1")]
      assert.deepStrictEqual(keys.map(String), [String(bot), String(Installation.userKey(workspace, "U1"))])
      assert.strictEqual((yield* Effect.flip(credentialFor(inGrid, "U2")))._tag, "NotInstalled")
    }))

  for (const failing of ["resolve", "credential"] as const) {
    let isDown = true
    test(
      `is TokenUnavailable while the store is down, and served as soon as it is back: ${failing}`,
      () =>
        Effect.gen(function*() {
          yield* save(inWorkspace("one"))
          const error = yield* Effect.flip(TokenManager.botTokenFor(inGrid))
          assert(error._tag === "TokenUnavailable")
          assert.strictEqual(String(error.key), String(bot))
          assert.strictEqual(error.error.message, unavailable(failing).message)
          isDown = false
          yield* TestClock.adjust(error.retryAfter)
          assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-one")
        }),
      {
        before: (operation) => isDown && operation === failing ? unavailable(operation) : Effect.void
      }
    )
  }

  test("does not mix up places and people", () =>
    Effect.gen(function*() {
      yield* save(inWorkspace("one"))
      yield* save(
        install({ appId, teamId: "T", enterpriseId: "E1", bot: botToken("T"), user: ["bot", userToken("odd")] })
      )
      const seen = yield* Effect.forEach([
        tokenAt({ teamId: "T1" }),
        tokenAt({ teamId: "T" }),
        tokenAt({ teamId: "T", enterpriseId: "1" }),
        tokenAt({ teamId: "", enterpriseId: "T1" }),
        tokenAt({ teamId: "T" }, "bot"),
        tokenAt({ teamId: "T1" }, "bot"),
        tokenAt({ teamId: "T" }, "1bot")
      ], (token) => token)
      assert.deepStrictEqual(seen, [
        "xoxb-test-one",
        "xoxb-test-T",
        "xoxb-test-T",
        "NotInstalled",
        "xoxp-test-odd",
        "NotInstalled",
        "NotInstalled"
      ])
    }))

  test("that does not exist is looked for again after some seconds", (reads) =>
    Effect.gen(function*() {
      for (let n = 0; n < 5; n++) {
        assert.strictEqual(yield* tokenAt(inGrid), "NotInstalled")
        assert.strictEqual(yield* tokenAt(place, "U1"), "NotInstalled")
      }
      assert.deepStrictEqual(reads, { resolve: 1, credential: 1 })
      yield* TestClock.adjust("4999 millis")
      yield* tokenAt(inGrid)
      assert.strictEqual(reads.resolve, 1)
      yield* TestClock.adjust("1 millis")
      yield* tokenAt(inGrid)
      assert.strictEqual(reads.resolve, 2)
    }))

  test("that is dead is remembered for seconds too", (reads) =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      yield* save(inWorkspace("one"))
      yield* store.compareAndSet(bot, 1, Installation.Change.Dead({ code: "token_revoked", since: t0 }))
      for (let n = 0; n < 5; n++) assert.strictEqual(yield* tokenAt(place), "ReauthorizationRequired")
      assert.deepStrictEqual(reads, { resolve: 0, credential: 1 })
    }))
})

describe("what this process changes is seen at once", () => {
  test("an install where there was nothing", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* tokenAt(place), "NotInstalled")
      yield* save(inWorkspace("one"))
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-one")
      assert.strictEqual(yield* tokenAt(place, "U2"), "NotInstalled")
      yield* save(inWorkspace("two", { user: ["U2", userToken("two")] }))
      assert.strictEqual(yield* tokenAt(place, "U2"), "xoxp-test-two")
    }))

  test("a reinstall, by place and by key", () =>
    Effect.gen(function*() {
      yield* save(inWorkspace("one"))
      const both = Effect.all([tokenAt(place), Effect.map(TokenManager.botToken(workspace), Redacted.value)])
      assert.deepStrictEqual(yield* both, ["xoxb-test-one", "xoxb-test-one"])
      yield* save(inWorkspace("two"))
      assert.deepStrictEqual(yield* both, ["xoxb-test-two", "xoxb-test-two"])
    }))

  test("a reinstall of a credential that was dead or could not be refreshed", () =>
    Effect.gen(function*() {
      yield* save(install({ appId, teamId: "T1", bot: botToken("old", DateTime.add(t0, { minutes: 1 })) }))
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(yield* tokenAt(place), "TokenUnavailable")
      yield* save(inWorkspace("new", { at: DateTime.add(t0, { minutes: 2 }) }))
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-new")
    }))

  test("an uninstall, and a person's revocation, by events of Slack", () =>
    Effect.gen(function*() {
      yield* save(inWorkspace("one"))
      assert.deepStrictEqual(yield* Effect.all([tokenAt(place), tokenAt(place, "U1")]), [
        "xoxb-test-one",
        "xoxp-test-one"
      ])
      const event = (event: object) =>
        Lifecycle.handle({
          type: "event_callback",
          api_app_id: appId,
          team_id: "T1",
          event_time: DateTime.toEpochMillis(t0) / 1000 + 1,
          event
        })
      yield* event({ type: "tokens_revoked", tokens: { oauth: ["U1"] } })
      assert.deepStrictEqual(yield* Effect.all([tokenAt(place), tokenAt(place, "U1")]), [
        "xoxb-test-one",
        "NotInstalled"
      ])
      yield* event({ type: "app_uninstalled" })
      assert.strictEqual(yield* tokenAt(place), "NotInstalled")
      assert.strictEqual((yield* Effect.flip(TokenManager.botToken(workspace)))._tag, "NotInstalled")
    }))

  test("a change of another installation costs no I/O", (reads) =>
    Effect.gen(function*() {
      yield* save(inWorkspace("one"))
      yield* tokenAt(inGrid)
      const before = { ...reads }
      yield* save(install({ appId, teamId: "T2", bot: botToken("two") }))
      assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-one")
      assert.deepStrictEqual(reads, before)
    }))

  test("what another process has changed is seen after forget, or after the cache time", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      // A store that tells nobody what it writes, like that of another process.
      const elsewhere = silent.get(store)
      assert.isDefined(elsewhere)
      yield* save(inWorkspace("one"))
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-one")
      yield* elsewhere!.save(inWorkspace("two"))
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-one")
      yield* TokenManager.forget(bot)
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-two")
      yield* elsewhere!.remove(workspace)
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-two")
      yield* TokenManager.forget(workspace)
      assert.strictEqual(yield* tokenAt(place), "NotInstalled")
      yield* elsewhere!.save(inWorkspace("three"))
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-three")
      yield* elsewhere!.save(inWorkspace("four"))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* tokenAt(place), "xoxb-test-four")
    }))
})

describe("a change while the store is read", () => {
  /** Lets a test do something between a read of the store and what the manager makes of it. */
  const gate = () => {
    let reached = Effect.runSync(Deferred.make<void>())
    let open = Effect.runSync(Deferred.make<void>())
    let closed = false
    return {
      before: (operation: keyof Reads, wanted: keyof Reads) =>
        Effect.suspend(() => {
          if (operation !== wanted || !closed) return Effect.void
          closed = false
          return Effect.zipRight(Deferred.succeed(reached, undefined), Deferred.await(open))
        }),
      close: () => {
        closed = true
        reached = Effect.runSync(Deferred.make<void>())
        open = Effect.runSync(Deferred.make<void>())
      },
      reached: Effect.suspend(() => Deferred.await(reached)),
      open: Effect.suspend(() => Deferred.succeed(open, undefined))
    }
  }

  for (const wanted of ["resolve", "credential"] as const) {
    const { before, close, open, reached } = gate()
    const options = { before: (operation: keyof Reads) => before(operation, wanted), patience: "1 minute" } as const

    test(`is not hidden by what ${wanted} read before it: a reinstall`, () =>
      Effect.gen(function*() {
        yield* save(inWorkspace("one"))
        close()
        const first = yield* Effect.fork(tokenAt(inGrid))
        yield* reached
        yield* save(inWorkspace("two"))
        // This one asks after the change, and may join what the first one has begun.
        const second = yield* Effect.fork(tokenAt(inGrid))
        yield* Effect.yieldNow()
        yield* open
        yield* Fiber.join(first)
        assert.strictEqual(yield* Fiber.join(second), "xoxb-test-two")
        assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-two")
      }), options)

    test(
      `is not hidden by what ${wanted} read before it: a removal, and the organization serves`,
      () =>
        Effect.gen(function*() {
          yield* save(inWorkspace("one"))
          yield* save(inOrganization("organization"))
          close()
          const first = yield* Effect.fork(tokenAt(inGrid))
          yield* reached
          yield* InstallationStore.remove(workspace)
          yield* open
          yield* Fiber.join(first)
          assert.strictEqual(yield* tokenAt(inGrid), "xoxb-test-organization")
        }),
      options
    )

    test(
      `is not hidden by what ${wanted} read before it: an install where there was nothing`,
      () =>
        Effect.gen(function*() {
          close()
          const first = yield* Effect.fork(tokenAt(wanted === "resolve" ? inGrid : place))
          yield* reached
          yield* save(inWorkspace("one"))
          yield* open
          yield* Fiber.join(first)
          assert.strictEqual(yield* tokenAt(wanted === "resolve" ? inGrid : place), "xoxb-test-one")
        }),
      options
    )
  }
})
