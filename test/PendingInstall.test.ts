import * as NodeContext from "@effect/platform-node/NodeContext"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import { assert, describe, it } from "@effect/vitest"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"
import { inspect } from "node:util"
import * as KeyValueStores from "./utils/effect/keyValueStores.js"
import { newStateHash, pendingInstall, storeContract } from "./utils/pendingInstallStores.js"

const key = (id: string, fill: number): PendingInstall.SealingKey => ({
  id,
  key: Redacted.make(Buffer.alloc(32, fill).toString("base64"))
})

const Sealed = PendingInstall.layerSealedCookie([key("k1", 1)])

const keyValueStoreIn = (directory: string) =>
  PendingInstall.layerKeyValueStore.pipe(
    Layer.provide(KeyValueStore.layerFileSystem(directory)),
    Layer.provide(NodeContext.layer)
  )

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => Fs.mkdtempSync(Path.join(Os.tmpdir(), "pending-installs-"))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true, force: true }))
)

const Files = Layer.unwrapScoped(Effect.map(temporaryDirectory, keyValueStoreIn))

/** Another process: a store of its own over the same files, keys or database. */
const anotherProcess = <E>(layer: Layer.Layer<PendingInstall.PendingInstallStore, E>) =>
  Effect.map(Layer.build(Layer.fresh(layer)), Context.get(PendingInstall.PendingInstallStore))

describe("a pending install", () => {
  it.effect("shows neither its verifier nor its metadata when it is printed", () =>
    Effect.gen(function*() {
      const pending = yield* pendingInstall()
      const printed = `${inspect(pending, { depth: 10 })} ${JSON.stringify(pending)} ${pending}`
      assert.notInclude(printed, "test-verifier")
      assert.notInclude(printed, "test-person")
    }))
})

describe("in memory", () => {
  storeContract(PendingInstall.layerMemory())

  it.effect("drops the oldest installs beyond the capacity", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const hashes = yield* Effect.replicateEffect(newStateHash, 4)
      for (const hash of hashes) yield* store.save(hash, yield* pendingInstall())
      const results = yield* Effect.forEach(hashes, (hash) => Effect.either(store.consume(hash, "")))
      assert.deepStrictEqual(results.map(Either.isRight), [false, true, true, true])
    }).pipe(Effect.provide(PendingInstall.layerMemory({ capacity: 3 }))))

  it.effect("says used for an install that was used, and not for one that was dropped or never began", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const hashes = yield* Effect.replicateEffect(newStateHash, 4)
      const [used = "", dropped = ""] = hashes
      const consume = (hash: string) => Effect.flip(store.consume(hash, ""))
      yield* store.save(used, yield* pendingInstall())
      yield* store.consume(used, "")
      for (const hash of hashes.slice(1)) yield* store.save(hash, yield* pendingInstall())
      yield* store.save(yield* newStateHash, yield* pendingInstall())
      assert.deepInclude(yield* consume(used), { _tag: "PendingInstallNotFound", used: true })
      assert.deepInclude(yield* consume(dropped), { _tag: "PendingInstallNotFound", used: false })
      assert.deepInclude(yield* consume(yield* newStateHash), { _tag: "PendingInstallNotFound", used: false })
    }).pipe(Effect.provide(PendingInstall.layerMemory({ capacity: 3 }))))

  it.effect("used installs take no room from pending ones", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const waiting = yield* newStateHash
      yield* store.save(waiting, yield* pendingInstall())
      for (let round = 0; round < 20; round++) {
        const hash = yield* newStateHash
        yield* store.save(hash, yield* pendingInstall())
        yield* store.consume(hash, "")
      }
      yield* store.consume(waiting, "")
    }).pipe(Effect.provide(PendingInstall.layerMemory({ capacity: 3 }))))

  it.effect("removes installs that expired an hour ago", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const hash = yield* newStateHash
      yield* store.save(hash, yield* pendingInstall())
      yield* TestClock.adjust("70 minutes")
      yield* store.save(yield* newStateHash, yield* pendingInstall())
      assert.strictEqual((yield* Effect.flip(store.consume(hash, "")))._tag, "PendingInstallNotFound")
    }).pipe(Effect.provide(PendingInstall.layerMemory())))
})

describe("over a backend of the caller", () => {
  it.effect("describes failures in the words of the caller", () =>
    Effect.gen(function*() {
      const store = PendingInstall.make<string>({
        put: () => Effect.fail("cable cut"),
        take: () => Effect.fail("cable cut")
      }, (error) => error)
      const save = yield* Effect.flip(store.save("hash", yield* pendingInstall()))
      assert.strictEqual(save.message, "The store of pending installs failed to save: cable cut.")
      const consume = yield* Effect.flip(store.consume("hash", ""))
      assert.strictEqual(consume.message, "The store of pending installs failed to consume: cable cut.")
    }))

  it.effect("does not show a stored text that it cannot read", () =>
    Effect.gen(function*() {
      const store = PendingInstall.make({
        put: () => Effect.void,
        take: () => Effect.succeedSome(`{"codeVerifier":"test-verifier","metadata":4}`)
      })
      const error = yield* Effect.flip(store.consume("hash", ""))
      assert.strictEqual(error._tag, "PendingInstallStoreError")
      assert.notInclude(inspect(error, { depth: 10 }), "test-verifier")
    }))
})

describe("in a KeyValueStore in memory", () => {
  storeContract(PendingInstall.layerKeyValueStore.pipe(Layer.provide(KeyValueStore.layerMemory)))

  it.effect("removes installs that expired an hour ago, also after a long pause, with all their keys", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const { size } = yield* KeyValueStore.KeyValueStore
      yield* store.save(yield* newStateHash, yield* pendingInstall())
      yield* store.save(yield* newStateHash, yield* pendingInstall())
      assert.strictEqual(yield* size, 5, "two installs, an entry of the queue for each, and the queue's ends")
      yield* TestClock.adjust("3 days")
      for (let round = 0; round < 5; round++) {
        const hash = yield* newStateHash
        yield* store.save(hash, yield* pendingInstall())
        yield* store.consume(hash, "")
      }
      assert.strictEqual(yield* size, 6, "an entry of the queue for each of the five, and the queue's ends")
      yield* TestClock.adjust("3 days")
      const hash = yield* newStateHash
      yield* store.save(hash, yield* pendingInstall())
      yield* store.consume(hash, "")
      assert.strictEqual(yield* size, 2, "the entry of the last one, and the queue's ends")
    }).pipe(Effect.provide(Layer.provideMerge(PendingInstall.layerKeyValueStore, KeyValueStore.layerMemory))))

  it.effect("save reads and writes as much with five hundred installs as with two", () =>
    Effect.gen(function*() {
      const texts = new Map<string, string>()
      let characters = 0
      let calls = 0
      const count = <A>(key: string, text: string | undefined, value: A) =>
        Effect.sync(() => {
          calls++
          characters += key.length + (text ?? "").length
          return value
        })
      const store = yield* Effect.provide(PendingInstall.PendingInstallStore, PendingInstall.layerKeyValueStore).pipe(
        Effect.provideService(
          KeyValueStore.KeyValueStore,
          KeyValueStores.make({
            get: (key) => Effect.suspend(() => count(key, texts.get(key), texts.get(key))),
            set: (key, text) => Effect.suspend(() => count(key, text, texts.set(key, text))),
            remove: (key) => Effect.suspend(() => count(key, "", texts.delete(key)))
          })
        )
      )
      const cost = Effect.gen(function*() {
        const hash = yield* newStateHash
        const pending = yield* pendingInstall()
        calls = 0
        characters = 0
        yield* store.save(hash, pending)
        return { calls, characters }
      })
      yield* cost
      const early = yield* cost
      for (let round = 0; round < 500; round++) yield* cost
      const late = yield* cost
      assert.strictEqual(late.calls, early.calls)
      assert.closeTo(late.characters, early.characters, 20)
      yield* TestClock.adjust("2 hours")
      assert.isBelow((yield* cost).calls, 100, "what expired is removed a little at a time")
    }))

  it.effect("drops the oldest of more than ten thousand installs", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const { size } = yield* KeyValueStore.KeyValueStore
      const [oldest, second] = [yield* newStateHash, yield* newStateHash]
      for (const hash of [oldest, second]) yield* store.save(hash, yield* pendingInstall())
      for (let round = 0; round < 9_999; round++) yield* store.save(`stranger-${round}`, yield* pendingInstall())
      assert.strictEqual(yield* size, 20_001, "ten thousand installs, an entry for each, and the queue's ends")
      assert.deepInclude(yield* Effect.flip(store.consume(oldest, "")), { _tag: "PendingInstallNotFound", used: false })
      yield* store.consume(second, "")
    }).pipe(Effect.provide(Layer.provideMerge(PendingInstall.layerKeyValueStore, KeyValueStore.layerMemory))))

  it.effect("fails when the store fails, and names the call", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const error = yield* Effect.flip(store.save("hash", yield* pendingInstall()))
      assert.strictEqual(error.problem, "PermissionDenied in KeyValueStore.get")
    }).pipe(
      Effect.provide(PendingInstall.layerKeyValueStore),
      Effect.provideService(
        KeyValueStore.KeyValueStore,
        KeyValueStores.make({
          get: () => Effect.fail(KeyValueStores.failure("PermissionDenied")),
          set: () => Effect.void,
          remove: () => Effect.void
        })
      )
    ))
})

describe("in files", () => {
  storeContract(Files)

  it.scoped("another process over the same files finds an install of the first", () =>
    Effect.gen(function*() {
      const layer = keyValueStoreIn(yield* temporaryDirectory)
      const [one, two] = [yield* anotherProcess(layer), yield* anotherProcess(layer)]
      const hash = yield* newStateHash
      yield* one.save(hash, yield* pendingInstall())
      yield* two.consume(hash, "")
      assert.strictEqual((yield* Effect.flip(one.consume(hash, "")))._tag, "PendingInstallNotFound")
    }))
})

describe("in a sealed cookie", () => {
  storeContract(Sealed)

  it.effect("opens under the state it was sealed for, and no other", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const [mine, yours] = [yield* newStateHash, yield* newStateHash]
      const carried = yield* store.save(mine, yield* pendingInstall())
      assert.strictEqual((yield* Effect.flip(store.consume(yours, carried)))._tag, "PendingInstallNotFound")
      yield* store.consume(mine, carried)
    }).pipe(Effect.provide(Sealed)))

  it.scoped("opens in another process, and after the keys have changed", () =>
    Effect.gen(function*() {
      const before = yield* anotherProcess(Sealed)
      const after = yield* anotherProcess(PendingInstall.layerSealedCookie([key("k2", 2), key("k1", 1)]))
      const without = yield* anotherProcess(PendingInstall.layerSealedCookie([key("k2", 2)]))
      const hash = yield* newStateHash
      const carried = yield* before.save(hash, yield* pendingInstall())
      assert.match(carried, /^v1\.k1\./)
      assert.strictEqual((yield* Effect.flip(without.consume(hash, carried)))._tag, "PendingInstallNotFound")
      yield* after.consume(hash, carried)
    }))

  it.scoped("opens once in each process, as its documentation says", () =>
    Effect.gen(function*() {
      const [one, two] = [yield* anotherProcess(Sealed), yield* anotherProcess(Sealed)]
      const hash = yield* newStateHash
      const carried = yield* one.save(hash, yield* pendingInstall())
      yield* one.consume(hash, carried)
      yield* two.consume(hash, carried)
      const again = { _tag: "PendingInstallNotFound", used: true } as const
      assert.deepInclude(yield* Effect.flip(one.consume(hash, carried)), again)
      assert.deepInclude(yield* Effect.flip(two.consume(hash, carried)), again)
    }))

  it.effect("refuses metadata that do not fit into a cookie, and does not show them", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const error = yield* Effect.flip(
        store.save(yield* newStateHash, yield* pendingInstall({ metadata: Redacted.make("canary".repeat(600)) }))
      )
      assert.match(error.problem, /a cookie holds 3600: put less into the metadata/)
      assert.notInclude(inspect(error), "canary")
    }).pipe(Effect.provide(Sealed)))

  it.effect("reads its keys from the environment, the current one first", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      assert.match(yield* store.save("hash", yield* pendingInstall()), /^v1\.new\./)
    }).pipe(
      Effect.provide(PendingInstall.layerSealedCookieConfig),
      Effect.withConfigProvider(ConfigProvider.fromMap(
        new Map([[
          "SLACK_COOKIE_KEYS",
          `new:${Buffer.alloc(32, 2).toString("base64url")}, old:${Buffer.alloc(32, 1).toString("base64")}`
        ]])
      ))
    ))

  it.effect("says what is wrong with its keys, and shows no key", () =>
    Effect.gen(function*() {
      const secret = Buffer.alloc(32, 7).toString("base64url")
      for (const keys of ["", secret, `${secret}:k1`, "k1:short", `k1:${secret},k1:${secret}`, `k 1:${secret}`]) {
        const error = yield* Effect.flip(Layer.build(PendingInstall.layerSealedCookieConfig)).pipe(
          Effect.scoped,
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["SLACK_COOKIE_KEYS", keys]])))
        )
        assert.include(String(error), "SLACK_COOKIE_KEYS")
        assert.notInclude(inspect(error, { depth: 10 }) + String(error), secret)
      }
    }))
})

describe("the errors", () => {
  it("say what to do", () => {
    assert.match(new PendingInstall.PendingInstallNotFound().message, /begin a new one/)
    assert.match(new PendingInstall.PendingInstallExpired().message, /begin a new one/)
  })
})
