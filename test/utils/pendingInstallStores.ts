/**
 * The tests that every store of pending installs has to pass.
 */
import { assert, it } from "@effect/vitest"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { randomToken, sha256 } from "../../src/internal/random.js"

/** An install that expires in ten minutes. */
export const pendingInstall = (
  overrides: Partial<ConstructorParameters<typeof PendingInstall.PendingInstall>[0]> = {}
): Effect.Effect<PendingInstall.PendingInstall> =>
  Effect.map(DateTime.now, (now) =>
    new PendingInstall.PendingInstall({
      redirectUri: "https://example.com/slack/callback",
      botScopes: ["chat:write", "commands"],
      userScopes: ["search:read"],
      codeVerifier: Option.some(Redacted.make("test-verifier-".padEnd(43, "x"))),
      metadata: Redacted.make(`{"user":"test-person"}`),
      expiresAt: DateTime.add(now, { minutes: 10 }),
      ...overrides
    }))

/** The hash of a new state, as the flow makes it. */
export const newStateHash: Effect.Effect<string> = Effect.promise(() => sha256(randomToken()))

const plain = (pending: PendingInstall.PendingInstall) => ({
  ...pending,
  codeVerifier: Option.map(pending.codeVerifier, Redacted.value),
  metadata: Redacted.value(pending.metadata),
  expiresAt: pending.expiresAt.epochMillis
})

const tagOf = <A, E extends { readonly _tag: string }>(result: Either.Either<A, E>) =>
  Either.isLeft(result) ? result.left._tag : "taken"

/** Registers the promises as tests. Each gets a store of its own, unless the layer keeps one. */
export const storeContract = <E>(layer: Layer.Layer<PendingInstall.PendingInstallStore, E>) => {
  it.effect("returns the install that was saved", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const stateHash = yield* newStateHash
      const pending = yield* pendingInstall()
      const carried = yield* store.save(stateHash, pending)
      assert.deepStrictEqual(plain(yield* store.consume(stateHash, carried)), plain(pending))
    }).pipe(Effect.provide(layer)))

  it.effect("returns any text, and an install without a verifier", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const texts = FastCheck.sample(FastCheck.fullUnicodeString({ maxLength: 200 }), 20).filter((text) =>
        !text.includes("\0")
      )
      for (const metadata of texts) {
        const stateHash = yield* newStateHash
        const pending = yield* pendingInstall({ metadata: Redacted.make(metadata), codeVerifier: Option.none() })
        const carried = yield* store.save(stateHash, pending)
        assert.deepStrictEqual(plain(yield* store.consume(stateHash, carried)), plain(pending))
      }
    }).pipe(Effect.provide(layer)))

  it.effect("gives an install to one of two concurrent callers", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      for (let round = 0; round < 20; round++) {
        const stateHash = yield* newStateHash
        const carried = yield* store.save(stateHash, yield* pendingInstall())
        const results = yield* Effect.all(
          [Effect.either(store.consume(stateHash, carried)), Effect.either(store.consume(stateHash, carried))],
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(results.map(tagOf).sort(), ["PendingInstallNotFound", "taken"])
      }
    }).pipe(Effect.provide(layer)))

  it.effect("gives an install to one of fifty concurrent callers", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const stateHash = yield* newStateHash
      const carried = yield* store.save(stateHash, yield* pendingInstall())
      const results = yield* Effect.forEach(
        Array.from({ length: 50 }),
        () => Effect.either(store.consume(stateHash, carried)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(results.filter(Either.isRight).length, 1)
    }).pipe(Effect.provide(layer)))

  it.effect("keeps two installs of one person apart", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const [one, two] = [yield* newStateHash, yield* newStateHash]
      const carriedOne = yield* store.save(one, yield* pendingInstall({ redirectUri: "https://example.com/one" }))
      const carriedTwo = yield* store.save(two, yield* pendingInstall({ redirectUri: "https://example.com/two" }))
      assert.strictEqual((yield* store.consume(two, carriedTwo)).redirectUri, "https://example.com/two")
      assert.strictEqual((yield* store.consume(one, carriedOne)).redirectUri, "https://example.com/one")
    }).pipe(Effect.provide(layer)))

  it.effect("finds nothing for a state that it did not save", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const carried = yield* store.save(yield* newStateHash, yield* pendingInstall())
      for (const guess of [carried, "", "v1.k1.AAAA", "'; DROP TABLE slack_oauth_pending_installs; --"]) {
        const error = yield* Effect.flip(store.consume(yield* newStateHash, guess))
        assert.deepInclude(error, { _tag: "PendingInstallNotFound", used: false })
      }
    }).pipe(Effect.provide(layer)))

  it.effect("fails with PendingInstallExpired from the tenth minute on", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const [early, late] = [yield* newStateHash, yield* newStateHash]
      const carriedEarly = yield* store.save(early, yield* pendingInstall())
      const carriedLate = yield* store.save(late, yield* pendingInstall())
      yield* TestClock.adjust("599999 millis")
      yield* store.consume(early, carriedEarly)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual((yield* Effect.flip(store.consume(late, carriedLate)))._tag, "PendingInstallExpired")
    }).pipe(Effect.provide(layer)))

  it.effect("gives the browser nothing that it can read", () =>
    Effect.gen(function*() {
      const store = yield* PendingInstall.PendingInstallStore
      const carried = yield* store.save(yield* newStateHash, yield* pendingInstall())
      const readable = carried.split(".").map((part) =>
        `${part} ${atob(part.replaceAll("-", "+").replaceAll("_", "/"))}`
      )
      for (const secret of ["test-verifier", "test-person", "chat:write"]) assert.notInclude(readable.join(), secret)
    }).pipe(Effect.provide(layer)))
}
