import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Clocks from "../../src/internal/effect/clocks.js"
import * as Rotation from "../../src/internal/rotation.js"
import { makeFaultyStore, unavailable } from "../utils/faultyStore.js"

const method = "oauth.v2.access"
const rateLimited = OAuthV2Error.fromCode("ratelimited", { method })
const revoked = OAuthV2Error.fromCode("token_revoked", { method })
const lost = new OAuthV2Error.SlackTimeoutError({ method, timeout: Duration.seconds(10) })

/** A rotation of an installed credential, step by step. Its store has faults on demand, and its machine can sleep. */
const arrange = Effect.gen(function*() {
  const slack = yield* OAuthV2.OAuthV2
  const { code } = yield* SlackEmulator.authorize({ scopes: ["chat:write"], userScopes: ["chat:write"] })
  const at = yield* DateTime.now
  const installation = Installation.fromTokenResponse(yield* OAuthV2.access({ code }), at)
  const inner = yield* InstallationStore.InstallationStore
  const key = Installation.botKey((yield* inner.save(installation)).key)
  const faultyStore = makeFaultyStore()
  const store = yield* Effect.provide(InstallationStore.InstallationStore, faultyStore.layer)
  const clock = yield* Effect.clock
  let slept = 0
  const now = () => clock.unsafeCurrentTimeMillis() + slept
  const sleepy = Clocks.make({
    base: clock,
    millis: now,
    // They only pass, whatever happens to the clock.
    nanos: () => clock.unsafeCurrentTimeNanos(),
    sleep: (duration) => clock.sleep(duration)
  })
  return {
    key,
    faultyStore,
    inner,
    /** The machine is suspended for longer than a lease. Answers have arrived when it wakes up. */
    sleep: Effect.sync(() => {
      slept += 60_000
    }),
    /** Somebody sets the clock of the machine back by half an hour. */
    setBack: Effect.sync(() => {
      slept -= 1_800_000
    }),
    rotate: (
      call: Rotation.Options<OAuthV2Error.AccessError>["call"],
      options: Partial<Rotation.Options<OAuthV2Error.AccessError>> = {}
    ) =>
      Rotation.rotate<OAuthV2Error.AccessError>(store, {
        key,
        verb: "refresh",
        holder: "this",
        leaseDuration: "30 seconds",
        isDue: () => true,
        call,
        isDeath: (error) => error.remedy === "reauthorize",
        repeatLost: true,
        ...options
      }).pipe(Effect.withClock(sleepy)),
    /** Slack's answer to the refresh token of a credential. */
    refreshed: (credential: Installation.Credential) =>
      slack.access({ refreshToken: Option.getOrThrow(Installation.refreshTokenOf(credential)) }),
    /** What is stored. */
    stored: Effect.map(inner.credential(key), Option.getOrThrow),
    /** What another process does that refreshes the credential. */
    refreshElsewhere: Effect.gen(function*() {
      const { generation, token } = Option.getOrThrow(yield* inner.credential(key))
      const change = Installation.Change.Renewed({ token, issuedAt: at })
      yield* inner.compareAndSet(key, generation, change)
    }),
    /** What another process does that marks the credential dead. */
    markDeadElsewhere: Effect.gen(function*() {
      const { generation } = Option.getOrThrow(yield* inner.credential(key))
      yield* inner.compareAndSet(key, generation, Installation.Change.Dead({ code: "token_revoked", since: at }))
    }),
    /** Somebody removes the app. */
    removeElsewhere: inner.remove(key.installation)
  }
})

const assertFailed = (outcome: Rotation.Outcome<OAuthV2Error.AccessError>, error: OAuthV2Error.AccessError) => {
  assert(outcome._tag === "Failed")
  assert.strictEqual(outcome.error, error)
}

const world = InstallationStore.layerMemory.pipe(
  Layer.provideMerge(OAuthV2.layer),
  Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
  Layer.provideMerge(SlackEmulator.layer())
)

describe("a rotation", () => {
  it.effect("does not repeat a call if the machine slept past the lease while the credential was read again", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate, sleep } = yield* arrange
      let mayRepeat: boolean | undefined
      const outcome = yield* rotate((_, ask) => {
        faultyStore.before("credential", sleep)
        return Effect.flatMap(ask, (answer) => {
          mayRepeat = answer
          return Effect.fail(rateLimited)
        })
      })
      assert.strictEqual(outcome._tag, "Failed")
      assert.isFalse(mayRepeat)
    }).pipe(Effect.provide(world)))

  it.effect("looks again under a lease that it had to take for another generation", () =>
    Effect.gen(function*() {
      const { inner, key, faultyStore, refreshElsewhere, rotate, sleep } = yield* arrange
      yield* TestClock.adjust("1 second")
      // Another process refreshes before the lease is taken, and again while this one sleeps after its second look.
      let leases = 0
      faultyStore.before("acquireLease", Effect.suspend(() => ++leases === 1 ? refreshElsewhere : Effect.void))
      let looks = 0
      faultyStore.after(
        "credential",
        Effect.suspend(() => ++looks === 2 ? Effect.zipRight(sleep, refreshElsewhere) : Effect.void)
      )
      let sent: number | undefined
      yield* rotate((credential) => {
        sent = credential.generation
        return Effect.fail(rateLimited)
      })
      assert.strictEqual(sent, Option.getOrThrow(yield* inner.credential(key)).generation)
    }).pipe(Effect.provide(world)))

  it.effect("stores an answer that came late under a new lease, though the clock was set back since", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate, setBack } = yield* arrange
      const slack = yield* OAuthV2.OAuthV2
      const rotating = yield* Effect.fork(rotate((credential) =>
        Effect.sleep("26 seconds").pipe(
          Effect.zipRight(setBack),
          Effect.zipRight(slack.access({ refreshToken: Option.getOrThrow(Installation.refreshTokenOf(credential)) }))
        )
      ))
      yield* TestClock.adjust("26 seconds")
      assert.strictEqual((yield* Fiber.join(rotating))._tag, "Renewed")
      assert.strictEqual(faultyStore.calls.acquireLease, 2)
    }).pipe(Effect.provide(world)))

  it.effect("that is suspended before it can send is Late, and not Busy", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate, sleep } = yield* arrange
      faultyStore.after("acquireLease", sleep)
      assert.strictEqual((yield* rotate(() => Effect.die("nothing may be sent")))._tag, "Late")
    }).pipe(Effect.provide(world)))

  /** Slack answers after the lease, and from then on other processes hold the lease, one after the other. */
  const answeredLate = (duration: Duration.DurationInput = "30 seconds") =>
    Effect.gen(function*() {
      const arranged = yield* arrange
      const { inner, key, faultyStore, rotate } = arranged
      const slack = yield* OAuthV2.OAuthV2
      let asked = 0
      faultyStore.before(
        "acquireLease",
        Effect.suspend(() =>
          ++asked === 1
            ? Effect.void
            : inner.acquireLease(key, { holder: `other ${asked}`, intent: "refresh", duration })
        )
      )
      const outcome = yield* Deferred.make<Rotation.Outcome<OAuthV2Error.AccessError>, unknown>()
      const rotation = rotate((credential) =>
        Effect.zipRight(
          Effect.sleep("31 seconds"),
          slack.access({ refreshToken: Option.getOrThrow(Installation.refreshTokenOf(credential)) })
        )
      )
      const rotating = yield* Effect.fork(Effect.uninterruptible(Effect.intoDeferred(rotation, outcome)))
      yield* TestClock.adjust("31 seconds")
      assert.isFalse(yield* Deferred.isDone(outcome))
      return { ...arranged, rotating, outcome: Effect.flatten(Effect.flatten(Deferred.poll(outcome))) }
    })

  it.effect("waits for other holders for two lease times before it stores an answer, and then returns it as unsaved", () =>
    Effect.gen(function*() {
      const { inner, key, faultyStore, outcome: ended } = yield* answeredLate()
      yield* TestClock.adjust("61 seconds")
      const outcome = yield* ended
      assert(outcome._tag === "Unsaved")
      assert.deepInclude(outcome.error, { operation: "acquireLease", code: "HELD" })
      assert.isTrue(Rotation.isHeld(outcome.error))
      // Once the others are done, it is stored.
      faultyStore.before("acquireLease", Effect.void)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual((yield* outcome.save)._tag, "Renewed")
      const stored = Option.getOrThrow(yield* inner.credential(key))
      assert.deepStrictEqual(stored.token.accessToken, outcome.credential.token.accessToken)
    }).pipe(Effect.provide(world)))

  it.effect("stores an answer soon after another holder has given back its lease", () =>
    Effect.gen(function*() {
      const { faultyStore, inner, key, outcome } = yield* answeredLate()
      faultyStore.before("acquireLease", Effect.void)
      yield* inner.releaseLease(key, "other 2")
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* outcome)._tag, "Renewed")
    }).pipe(Effect.provide(world)))

  it.effect("waits no longer for a holder that has the lease for an hour", () =>
    Effect.gen(function*() {
      const { outcome } = yield* answeredLate("1 hour")
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual((yield* outcome)._tag, "Unsaved")
    }).pipe(Effect.provide(world)))

  it.effect("that is interrupted while it waits for other holders returns Slack's answer as unsaved", () =>
    Effect.gen(function*() {
      const { outcome, rotating } = yield* answeredLate()
      yield* Fiber.interruptFork(rotating)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* outcome)._tag, "Unsaved")
    }).pipe(Effect.provide(world)))

  it.effect("keeps its lease if the first answer was lost and the second call was rejected", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate } = yield* arrange
      let calls = 0
      const outcome = yield* rotate(() => Effect.fail(++calls === 1 ? lost : rateLimited))
      assert.strictEqual(calls, 2)
      assert.strictEqual(outcome._tag, "Failed")
      assert.strictEqual(faultyStore.calls.releaseLease, 0)
    }).pipe(Effect.provide(world)))

  it.effect("is not repeated if its call was rejected", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate } = yield* arrange
      let calls = 0
      const outcome = yield* rotate(() => Effect.suspend(() => (calls++, Effect.fail(rateLimited))))
      assertFailed(outcome, rateLimited)
      assert.strictEqual(calls, 1)
      assert.strictEqual(faultyStore.calls.releaseLease, 1)
    }).pipe(Effect.provide(world)))

  it.effect("says in its lease what it does", () =>
    Effect.gen(function*() {
      const { inner, key, rotate } = yield* arrange
      yield* rotate(() =>
        Effect.gen(function*() {
          const held = yield* inner.acquireLease(key, { holder: "other", intent: "look", duration: "1 second" })
          assert(held._tag === "Held")
          assert.strictEqual(held.lease.intent, "refresh generation 1")
          return yield* Effect.fail(rateLimited)
        }).pipe(Effect.catchTag("InstallationStoreError", Effect.die))
      )
    }).pipe(Effect.provide(world)))
})

describe("a rotation for which it is too late, although there is time left in its lease", () => {
  it.effect("sends nothing, and gives back its lease", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate } = yield* arrange
      const outcome = yield* rotate(() => Effect.dieMessage("sent"), { isTooLate: () => true })
      assert.deepStrictEqual(outcome, { _tag: "Late" })
      assert.strictEqual(faultyStore.calls.releaseLease, 1)
    }).pipe(Effect.provide(world)))

  for (const { error, name } of [{ error: rateLimited, name: "was rejected" }, { error: lost, name: "was lost" }]) {
    it.effect(`does not send its token again if the first answer ${name}`, () =>
      Effect.gen(function*() {
        const { rotate } = yield* arrange
        let calls = 0
        const asked: Array<boolean> = []
        const call = (_: Installation.Credential, mayRepeat: Effect.Effect<boolean>) => {
          calls++
          return Effect.zipRight(Effect.map(mayRepeat, (answer) => asked.push(answer)), Effect.fail(error))
        }
        assertFailed(yield* rotate(call, { isTooLate: () => calls > 0 }), error)
        assert.deepStrictEqual(asked, [false])
      }).pipe(Effect.provide(world)))
  }
})

describe("a rotation whose credential is changed meanwhile", () => {
  type Arranged = Effect.Effect.Success<typeof arrange>

  const changes: ReadonlyArray<
    readonly [what: string, change: (arranged: Arranged) => Effect.Effect<unknown, unknown>, tag: string]
  > = [
    ["is refreshed", ({ refreshElsewhere }) => refreshElsewhere, "Current"],
    ["is removed", ({ removeElsewhere }) => removeElsewhere, "Missing"]
  ]

  for (const [what, change, tag] of changes) {
    it.effect(`does not repeat a rejected call: it ${what}`, () =>
      Effect.gen(function*() {
        const arranged = yield* arrange
        const outcome = yield* arranged.rotate((_, mayRepeat) =>
          Effect.orDie(change(arranged)).pipe(
            Effect.zipRight(mayRepeat),
            Effect.flatMap((again) => again ? Effect.die("it would be sent again") : Effect.fail(rateLimited))
          )
        )
        assert.strictEqual(outcome._tag, tag)
      }).pipe(Effect.provide(world)))

    it.effect(`does not send its token again after a lost answer: it ${what}`, () =>
      Effect.gen(function*() {
        const arranged = yield* arrange
        let calls = 0
        const outcome = yield* arranged.rotate(() =>
          ++calls === 1
            ? Effect.zipRight(Effect.orDie(change(arranged)), Effect.fail(lost))
            : Effect.die("it was sent again")
        )
        assert.strictEqual(outcome._tag, tag)
      }).pipe(Effect.provide(world)))

    it.effect(`believes no refusal of the token that was sent: it ${what}`, () =>
      Effect.gen(function*() {
        const arranged = yield* arrange
        const outcome = yield* arranged.rotate(() =>
          Effect.zipRight(Effect.orDie(change(arranged)), Effect.fail(revoked))
        )
        assert.strictEqual(outcome._tag, tag)
      }).pipe(Effect.provide(world)))

    it.effect(`does not replace what is stored by its answer: it ${what}`, () =>
      Effect.gen(function*() {
        const arranged = yield* arrange
        const outcome = yield* arranged.rotate((credential) =>
          Effect.zipLeft(arranged.refreshed(credential), Effect.orDie(change(arranged)))
        )
        assert.strictEqual(outcome._tag, tag)
        if (outcome._tag === "Current") assert.deepStrictEqual(outcome.credential, yield* arranged.stored)
      }).pipe(Effect.provide(world)))
  }

  it.effect("ends as Missing if it is removed while an answer is late", () =>
    Effect.gen(function*() {
      const { refreshed, removeElsewhere, rotate } = yield* arrange
      const rotating = yield* Effect.fork(rotate((credential) =>
        refreshed(credential).pipe(
          Effect.zipLeft(Effect.sleep("26 seconds")),
          Effect.zipLeft(Effect.orDie(removeElsewhere))
        )
      ))
      yield* TestClock.adjust("26 seconds")
      assert.strictEqual((yield* Fiber.join(rotating))._tag, "Missing")
    }).pipe(Effect.provide(world)))

  it.effect("replaces the mark that the token which it has spent is dead", () =>
    Effect.gen(function*() {
      const { markDeadElsewhere, refreshed, rotate, stored } = yield* arrange
      const outcome = yield* rotate((credential) =>
        Effect.zipLeft(refreshed(credential), Effect.orDie(markDeadElsewhere))
      )
      assert(outcome._tag === "Renewed")
      assert.strictEqual(outcome.credential.generation, 3)
      assert.isTrue(Option.isNone((yield* stored).reauthorization))
    }).pipe(Effect.provide(world)))

  it.effect("does not replace the mark that a newer token is dead", () =>
    Effect.gen(function*() {
      const { markDeadElsewhere, refreshed, refreshElsewhere, rotate, stored } = yield* arrange
      const outcome = yield* rotate((credential) =>
        refreshed(credential).pipe(
          Effect.zipLeft(Effect.orDie(refreshElsewhere)),
          Effect.zipLeft(Effect.orDie(markDeadElsewhere))
        )
      )
      assert(outcome._tag === "Current")
      assert.strictEqual(outcome.credential.generation, 3)
      assert.isTrue(Option.isSome((yield* stored).reauthorization))
    }).pipe(Effect.provide(world)))
})

describe("a rotation whose store fails", () => {
  it.effect("does not repeat a call if the store does not say whether it may", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate } = yield* arrange
      const outcome = yield* rotate((_, mayRepeat) => {
        faultyStore.before("credential", Effect.fail(unavailable("credential")))
        return Effect.flatMap(mayRepeat, (again) => again ? Effect.die("again") : Effect.fail(rateLimited))
      })
      assertFailed(outcome, rateLimited)
    }).pipe(Effect.provide(world)))

  it.effect("does not send its token again if that would be late by the time of the store's answer", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate, sleep } = yield* arrange
      let calls = 0
      const outcome = yield* rotate(() => {
        faultyStore.after("credential", sleep)
        return ++calls === 1 ? Effect.fail(lost) : Effect.die("it was sent again")
      })
      assertFailed(outcome, lost)
    }).pipe(Effect.provide(world)))

  /** The store saves the token, and its answer is lost. */
  const saved = Effect.gen(function*() {
    const arranged = yield* arrange
    const { faultyStore, refreshed, rotate } = arranged
    faultyStore.after("compareAndSet", Effect.fail(unavailable("compareAndSet")))
    const outcome = yield* rotate(refreshed)
    assert(outcome._tag === "Unsaved")
    assert.isFalse(Rotation.isHeld(outcome.error))
    assert.strictEqual(faultyStore.calls.releaseLease, 0, "the lease runs out by itself")
    faultyStore.after("compareAndSet", Effect.void)
    return { ...arranged, save: outcome.save }
  })

  it.effect("finds its token stored, if only the answer of the store was lost", () =>
    Effect.gen(function*() {
      const { faultyStore, save, stored } = yield* saved
      const again = yield* save
      assert(again._tag === "Renewed")
      assert.deepStrictEqual(again.credential, yield* stored)
      assert.strictEqual(again.credential.generation, 2)
      assert.strictEqual(faultyStore.calls.releaseLease, 1)
    }).pipe(Effect.provide(world)))

  it.effect("leaves its token dead, if it has died since it was stored", () =>
    Effect.gen(function*() {
      const { markDeadElsewhere, save, stored } = yield* saved
      yield* markDeadElsewhere
      const again = yield* save
      assert(again._tag === "Current")
      assert.deepStrictEqual(again.credential, yield* stored)
    }).pipe(Effect.provide(world)))

  it.effect("is dead for the caller, although the store does not take the mark after a second call", () =>
    Effect.gen(function*() {
      const { faultyStore, rotate } = yield* arrange
      faultyStore.before("compareAndSet", Effect.fail(unavailable("compareAndSet")))
      let calls = 0
      const outcome = yield* rotate(() => Effect.fail(++calls === 1 ? lost : revoked))
      assertFailed(outcome, revoked)
      assert.strictEqual(faultyStore.calls.releaseLease, 1)
    }).pipe(Effect.provide(world)))
})

describe("an answer that was lost", () => {
  const lostAgain = new OAuthV2Error.SlackTimeoutError({ method, timeout: Duration.seconds(20) })
  const isDeath = () => true

  it.effect("is no refusal", () =>
    Effect.gen(function*() {
      const { rotate, stored } = yield* arrange
      const outcome = yield* rotate(() => Effect.fail(lost), { isDeath, repeatLost: false })
      assertFailed(outcome, lost)
      assert.isTrue(Option.isNone((yield* stored).reauthorization))
    }).pipe(Effect.provide(world)))

  it.effect("is what is known, if the second one is lost too, or says to wait", () =>
    Effect.gen(function*() {
      for (const second of [lostAgain, rateLimited]) {
        const { rotate } = yield* arrange
        let calls = 0
        const outcome = yield* rotate(() => Effect.fail(++calls === 1 ? lost : second), {
          isDeath: (error) => error === lostAgain
        })
        assertFailed(outcome, lost)
      }
    }).pipe(Effect.provide(world)))

  it.effect("does not matter, once the second one is a token or a refusal", () =>
    Effect.gen(function*() {
      for (const tag of ["Renewed", "Dead"]) {
        const { faultyStore, refreshed, rotate } = yield* arrange
        let calls = 0
        const outcome = yield* rotate((credential) =>
          ++calls === 1 ? Effect.fail(lost) : tag === "Dead" ? Effect.fail(revoked) : refreshed(credential)
        )
        assert.strictEqual(outcome._tag, tag)
        assert.strictEqual(faultyStore.calls.releaseLease, 1)
      }
    }).pipe(Effect.provide(world)))
})

describe("the token of an answer", () => {
  const token = (accessToken: string) => ({
    accessToken: Redacted.make(accessToken),
    scopes: ["chat:write"],
    expiry: Option.none()
  })
  const bot = new TokenResponse.BotToken({ ...token("xoxe.xoxb-test") })
  const user = new TokenResponse.UserToken({ ...token("xoxe.xoxp-test"), userId: Option.some("U0ADA") })

  const answer = (tokens: Pick<TokenResponse.TokenResponse, "bot" | "user">) =>
    new TokenResponse.TokenResponse({
      appId: "A0TEST",
      target: new TokenResponse.Workspace({ team: { id: "T0TEST", name: Option.none() }, enterprise: Option.none() }),
      authedUserId: Option.none(),
      incomingWebhook: Option.none(),
      warnings: [],
      ...tokens
    })

  const storedFrom = (subject: "bot" | "user", tokens: Pick<TokenResponse.TokenResponse, "bot" | "user">) =>
    Effect.gen(function*() {
      const { inner, key: botKey, rotate } = yield* arrange
      const { users } = Option.getOrThrow(yield* inner.get(botKey.installation))
      const key = subject === "bot" ? botKey : Installation.userKey(botKey.installation, users[0]!.userId)
      const outcome = yield* rotate(() => Effect.succeed(answer(tokens)), { key })
      assert(outcome._tag === "Renewed")
      return Redacted.value(outcome.credential.token.accessToken)
    }).pipe(Effect.provide(world))

  const both = { bot: Option.some(bot), user: Option.some(user) }

  it.effect("is of the kind of the credential, if the answer has both", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* storedFrom("bot", both), "xoxe.xoxb-test")
      assert.strictEqual(yield* storedFrom("user", both), "xoxe.xoxp-test")
    }))

  it.effect("is the only one that there is, whatever Slack calls it", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* storedFrom("bot", { ...both, bot: Option.none() }), "xoxe.xoxp-test")
      assert.strictEqual(yield* storedFrom("user", { ...both, user: Option.none() }), "xoxe.xoxb-test")
    }))

  it.effect("is missing only by a defect", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(storedFrom("bot", { bot: Option.none(), user: Option.none() }))
      assert.match(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", /A token response without a token/)
    }))
})
