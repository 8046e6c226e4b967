import { assert, describe, it } from "@effect/vitest"
import * as InstallError from "effect-slack-oauth/InstallError"
import type * as InstallFlow from "effect-slack-oauth/InstallFlow"
import type * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Answer from "../../src/internal/install/answer.js"
import * as Recent from "../../src/internal/install/recentCallbacks.js"

type Entry = Recent.Entry<void>

// The functions look only at whether these are there.
const pending = {} as PendingInstall.PendingInstall
const installed = {} as InstallFlow.Installed<void>

const success: Recent.Outcome = Either.right(Answer.empty(200))
const failed = (error: InstallError.InstallError): Recent.Outcome => Either.left(error)
const final = failed(new InstallError.InstallStateForeign())
const repeatable = failed(new InstallError.InstallStoreFailed({ problem: "test" }))
const notCompleted = failed(new InstallError.InstallNotCompleted({ appId: "A0TEST", targetId: "T0TEST" }))

const running = Effect.runSync(Deferred.make<Recent.Outcome>())

const now = 1000

const entry = (fields: Partial<Entry> = {}): Entry => ({ ...Recent.newEntry(now, 10), ...fields })

const entryWith = {
  nothing: entry(),
  failure: entry({ outcome: final }),
  success: entry({ outcome: success }),
  repeatable: entry({ outcome: repeatable, progress: { ...Recent.noProgress, pending } }),
  withoutInstall: entry({ outcome: repeatable }),
  tokens: entry({ outcome: notCompleted, progress: { ...Recent.noProgress, pending, installed } }),
  running: entry({ running }),
  again: entry({ running, outcome: repeatable })
}

describe("decide", () => {
  const decisionOn = (entry: Entry | undefined, time = now) => Recent.decide(entry, time)._tag

  it("begins with a new code and state, and again when the entry has expired", () => {
    assert.strictEqual(decisionOn(undefined), "Begin")
    assert.strictEqual(decisionOn(entryWith.success, now + 10), "Begin")
    assert.strictEqual(decisionOn(entryWith.tokens, now + 10), "Begin")
  })

  it("joins the attempt that runs, also after the window", () => {
    assert.deepStrictEqual(Recent.decide(entryWith.running, now), { _tag: "Join", running })
    assert.strictEqual(decisionOn(entryWith.again), "Join")
    assert.strictEqual(decisionOn(entryWith.running, now + 10), "Join")
  })

  it("shows an outcome that a reload cannot change", () => {
    assert.deepStrictEqual(Recent.decide(entryWith.success, now), { _tag: "Show", outcome: success })
    assert.strictEqual(decisionOn(entryWith.failure, now + 9), "Show")
  })

  it("continues from the progress of an attempt that a reload may finish", () => {
    for (const entry of [entryWith.repeatable, entryWith.tokens]) {
      assert.deepStrictEqual(Recent.decide(entry, now), { _tag: "Continue", entry })
    }
  })
})

describe("isRemembered", () => {
  it("is false for a state without an install: its page tells nothing about the code", () => {
    const { InstallStateExpired, InstallStateGone, InstallStateUsed } = InstallError
    for (const error of [new InstallStateUsed(), new InstallStateGone(), new InstallStateExpired()]) {
      assert.isFalse(Recent.isRemembered(failed(error)))
    }
    for (const outcome of [success, final, repeatable, notCompleted]) assert.isTrue(Recent.isRemembered(outcome))
  })
})

describe("worth", () => {
  it("grows from nothing over a page and an install that can be finished to tokens", () => {
    assert.strictEqual(Recent.worth(entryWith.nothing), 0)
    assert.strictEqual(Recent.worth(entryWith.failure), 0)
    assert.strictEqual(Recent.worth(entryWith.withoutInstall), 0)
    assert.strictEqual(Recent.worth(entryWith.success), 1)
    assert.strictEqual(Recent.worth(entryWith.repeatable), 2)
    assert.strictEqual(Recent.worth(entryWith.tokens), Infinity)
  })
})

describe("makeRoom", () => {
  const entriesOf = (...entries: ReadonlyArray<readonly [count: number, entry: Entry]>) =>
    new Map<string, Entry>(
      entries.flatMap(([count, entry]) => Array.from({ length: count }, () => entry)).map((entry, index) =>
        [`${index}`, entry] as const
      )
    )

  it("forgets nothing while there is room", () => {
    assert.deepStrictEqual(Recent.makeRoom(entriesOf(), now), [])
    assert.deepStrictEqual(Recent.makeRoom(entriesOf([Recent.capacity - 1, entryWith.failure]), now), [])
  })

  it("forgets what has expired, and nothing else if this is enough", () => {
    const entries = entriesOf(
      [2, entry({ until: now, outcome: success })],
      [1, entry({ until: now, running })],
      [1, entry({ until: now, outcome: notCompleted, progress: entryWith.tokens.progress })],
      [Recent.capacity, entryWith.failure]
    )
    assert.deepStrictEqual(Recent.makeRoom(entries, now), ["0", "1", "3", "4"])
    assert.deepStrictEqual(Recent.makeRoom(entriesOf([3, entry({ until: now })], [400, entryWith.failure]), now), [
      "0",
      "1",
      "2"
    ])
  })

  it("forgets the oldest of the entries with the least worth", () => {
    const full = (...first: ReadonlyArray<Entry>) =>
      Recent.makeRoom(
        entriesOf(...first.map((entry) => [1, entry] as const), [Recent.capacity, entryWith.tokens]),
        now
      )
    const { failure, repeatable, running, success, tokens } = entryWith
    assert.deepStrictEqual(full(tokens, success, failure, failure), ["2"])
    assert.deepStrictEqual(full(running, repeatable, success, success), ["2"])
    assert.deepStrictEqual(full(tokens, repeatable, repeatable), ["1"])
    assert.deepStrictEqual(full(tokens, running), [])
  })

  it("never forgets an attempt that runs, nor tokens before their window ends", () => {
    const some = FastCheck.record({
      kind: FastCheck.constantFrom(...Object.values(entryWith)),
      count: FastCheck.integer({ min: 1, max: 300 }),
      window: FastCheck.integer({ min: -2, max: 2 })
    })
    FastCheck.assert(FastCheck.property(FastCheck.array(some, { maxLength: 6 }), (kinds) => {
      const inOrder = [...kinds].sort((a, b) => a.window - b.window)
      const entries = entriesOf(
        ...inOrder.map(({ count, kind, window }) => [count, { ...kind, until: now + window }] as const)
      )
      const forgotten = Recent.makeRoom(entries, now)
      for (const key of forgotten) {
        const entry = entries.get(key)
        assert.isUndefined(entry?.running)
        assert.isTrue(entry !== undefined && (entry.until <= now || Recent.worth(entry) < Infinity))
      }
      const isFree = (entry: Entry) => entry.running === undefined && Recent.worth(entry) < Infinity
      const left = Array.from(entries).filter(([key]) => !forgotten.includes(key))
      assert.isTrue(left.length < Recent.capacity || !left.some(([, entry]) => isFree(entry)) || forgotten.length > 0)
    }))
  })
})
