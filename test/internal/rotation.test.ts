import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as DateTime from "effect/DateTime"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Clocks from "../../src/internal/effect/clocks.js"
import * as Rotation from "../../src/internal/rotation.js"
import { makeFaultyStore } from "../utils/faultyStore.js"

const method = "oauth.v2.access"
const rateLimited = OAuthV2Error.fromCode("ratelimited", { method })
const lost = new OAuthV2Error.SlackTimeoutError({ method, timeout: Duration.seconds(10) })

/** A rotation of an installed credential, step by step. Its store has faults on demand, and its machine can sleep. */
const arrange = Effect.gen(function*() {
  const { code } = yield* SlackEmulator.authorize()
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
    rotate: (call: Rotation.Options<OAuthV2Error.AccessError>["call"]) =>
      Rotation.rotate<OAuthV2Error.AccessError>(store, {
        key,
        verb: "refresh",
        holder: "this",
        leaseDuration: "30 seconds",
        isDue: () => true,
        call,
        isDeath: (error) => error.remedy === "reauthorize",
        repeatLost: true
      }).pipe(Effect.withClock(sleepy)),
    /** What another process does that refreshes the credential. */
    refreshElsewhere: Effect.gen(function*() {
      const { generation, token } = Option.getOrThrow(yield* inner.credential(key))
      const change = Installation.Change.Renewed({ token, issuedAt: at })
      yield* inner.compareAndSet(key, generation, change)
    })
  }
})

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
  const answeredLate = Effect.gen(function*() {
    const arranged = yield* arrange
    const { inner, key, faultyStore, rotate } = arranged
    const slack = yield* OAuthV2.OAuthV2
    let asked = 0
    faultyStore.before(
      "acquireLease",
      Effect.suspend(() =>
        ++asked === 1
          ? Effect.void
          : inner.acquireLease(key, { holder: `other ${asked}`, intent: "refresh", duration: "30 seconds" })
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
      const { inner, key, faultyStore, outcome: ended } = yield* answeredLate
      yield* TestClock.adjust("61 seconds")
      const outcome = yield* ended
      assert(outcome._tag === "Unsaved")
      assert.deepInclude(outcome.error, { operation: "acquireLease", code: "HELD" })
      // Once the others are done, it is stored.
      faultyStore.before("acquireLease", Effect.void)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual((yield* outcome.save)._tag, "Renewed")
      const stored = Option.getOrThrow(yield* inner.credential(key))
      assert.deepStrictEqual(stored.token.accessToken, outcome.credential.token.accessToken)
    }).pipe(Effect.provide(world)))

  it.effect("that is interrupted while it waits for other holders returns Slack's answer as unsaved", () =>
    Effect.gen(function*() {
      const { outcome, rotating } = yield* answeredLate
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
})
