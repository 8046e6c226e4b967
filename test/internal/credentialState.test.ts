import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as State from "../../src/internal/credentialState.js"

const second = 1000
const minute = 60 * second
const hour = 60 * minute

const rules: State.Rules = {
  window: 2 * hour,
  jitter: 0.25,
  cacheTime: 10 * minute,
  patience: 3 * second,
  sharedRefresh: true
}

interface Sample {
  readonly token?: string
  readonly generation?: number
  readonly issuedAt?: number
  /** The token's lifetime. Without it, the token does not expire. */
  readonly life?: number | undefined
  readonly refreshes?: boolean
  readonly deadBy?: string | undefined
}

/** A bot credential. By default its token was issued at time 0, lives twelve hours, and can be refreshed. */
const sample = ({ deadBy, generation = 1, issuedAt = 0, refreshes = true, token = "one", ...rest }: Sample = {}) => {
  const life = "life" in rest ? rest.life : 12 * hour
  return new Installation.BotCredential({
    generation,
    issuedAt: DateTime.unsafeMake(issuedAt),
    reauthorization: Option.map(
      Option.fromNullable(deadBy),
      (code) => new Installation.Reauthorization({ code, since: DateTime.unsafeMake(issuedAt) })
    ),
    token: new TokenResponse.BotToken({
      accessToken: Redacted.make(token),
      scopes: [],
      expiry: Option.map(Option.fromNullable(life), (life) =>
        new TokenResponse.Expiry({
          expiresAt: DateTime.unsafeMake(issuedAt + life),
          refreshToken: refreshes ? Option.some(Redacted.make("xoxe-1-test")) : Option.none()
        }))
    })
  })
}

const at = (now: number, chance = 0): State.Moment => ({ now, chance })
const read = (sampled: Sample = {}, now = 0, from: State.State<string> = State.initial) =>
  State.onRead(rules, from, sample(sampled), at(now))

/** A decision, with its token as plain text. */
const decide = (
  state: State.State<string>,
  now: number,
  runningFor?: number,
  by = rules
): string | Exclude<State.Decision<string>, { readonly _tag: "Serve" }> => {
  const decision = State.decide(by, state, now, runningFor)
  return decision._tag === "Serve" ? `Serve ${Redacted.value(decision.token)}` : decision
}

const refresh = { _tag: "Refresh", atMost: rules.patience } as const
const waitFor = (atMost: number) => ({ _tag: "Wait", atMost }) as const

describe("decide", () => {
  it("begins a refresh for a credential that is not known", () => {
    assert.deepStrictEqual(decide(State.initial, 0), refresh)
  })

  it("serves a token that was just read, until the cache time is over", () => {
    const state = read()
    assert.strictEqual(decide(state, 10 * minute - 1), "Serve one")
    assert.deepStrictEqual(decide(state, 10 * minute), refresh)
  })

  it("begins a refresh when the window begins, and lets chance put it off by a quarter of the window", () => {
    const early = State.onRead(rules, State.initial, sample(), at(10 * hour - 1))
    assert.strictEqual(decide(early, 10 * hour - 1), "Serve one")
    assert.deepStrictEqual(decide(early, 10 * hour), refresh)
    const late = State.onRead(rules, State.initial, sample(), at(10.5 * hour - 1, 1))
    assert.strictEqual(decide(late, 10.5 * hour - 1), "Serve one")
    assert.deepStrictEqual(decide(late, 10.5 * hour), refresh)
  })

  it("keeps the time of the refresh while the generation is the same", () => {
    const state = read()
    assert.strictEqual(State.onRead(rules, state, sample(), at(1, 1)).known.refreshAt, state.known.refreshAt)
    assert.notStrictEqual(
      State.onRead(rules, state, sample({ generation: 2 }), at(1, 1)).known.refreshAt,
      state.known.refreshAt
    )
    // Another process has stored a token of its own from the same generation, and this one's is not stored.
    const others = State.onRead(rules, state, sample({ token: "two", issuedAt: hour }), at(1, 0))
    assert.strictEqual(others.known.refreshAt, 11 * hour)
  })

  it("refreshes a short-lived token in the second half of its life", () => {
    for (const issuedAt of [0, hour]) {
      const state = read({ issuedAt, life: 2 * minute }, issuedAt)
      assert.strictEqual(decide(state, issuedAt + minute - 1), "Serve one")
      assert.deepStrictEqual(decide(state, issuedAt + minute), refresh)
    }
  })

  it("lets a caller wait for the refresh under way as long as is left of the patience, and then serves the valid token", () => {
    const state = read({}, 0)
    const now = 11 * hour
    assert.deepStrictEqual(decide(state, now, second), waitFor(2 * second))
    assert.strictEqual(decide(state, now, 3 * second), "Serve one")
  })

  it("lets a caller without a valid token wait to the end, but look again when the patience is over", () => {
    const state = read({}, 0)
    const now = 12 * hour
    assert.deepStrictEqual(decide(state, now, second), waitFor(2 * second))
    assert.deepStrictEqual(decide(state, now, 3 * second), waitFor(Infinity))
  })

  it("begins a refresh even without patience, and then serves the valid token at once", () => {
    const state = read()
    const impatient = { ...rules, patience: 0 }
    assert.deepStrictEqual(decide(state, 11 * hour, undefined, impatient), { _tag: "Refresh", atMost: 0 })
    assert.strictEqual(decide(state, 11 * hour, 0, impatient), "Serve one")
  })

  it("serves a token that does not expire, and reads it again after the cache time", () => {
    const state = read({ life: undefined })
    assert.strictEqual(decide(state, 10 * minute - 1), "Serve one")
    assert.deepStrictEqual(decide(state, 10 * minute), refresh)
  })

  it("serves a token without a refresh token from memory until it expires", () => {
    const state = read({ refreshes: false }, 12 * hour - minute)
    assert.strictEqual(decide(state, 12 * hour - 1), "Serve one")
    assert.deepStrictEqual(decide(state, 12 * hour), refresh)
  })

  it("serves the last token of a dead chain until it expires", () => {
    const now = 12 * hour - minute
    const state = read({ deadBy: "invalid_refresh_token" }, now)
    assert.strictEqual(decide(state, 12 * hour - 1), "Serve one")
    assert.deepStrictEqual(decide(state, 12 * hour), refresh)
  })

  it("serves no token that died with its credential", () => {
    for (const deadBy of ["account_inactive", "token_revoked", "token_expired"]) {
      assert.deepStrictEqual(decide(read({ deadBy }), 1), refresh)
    }
  })

  it("serves no token from memory that was not valid when it was read, even if the clock is set back since", () => {
    const refused = State.onRefused(State.initial, "one", "token_revoked")
    for (
      const [now, state] of [
        [13 * hour, read({}, 13 * hour)],
        [hour, read({ deadBy: "token_revoked" }, hour)],
        [hour, read({}, hour, refused)]
      ] as const
    ) {
      for (const back of [1, minute, 30 * minute]) assert.isFalse(State.isFresh(state, now - back))
    }
  })
})

describe("a failure", () => {
  const fail = (state: State.State<string>, now: number, hint = 0) => State.onFailure(state, "down", hint, at(now, 0.5))
  const refuse = (retryAfter: number) =>
    ({ _tag: "Refuse", refusal: { _tag: "Unavailable", error: "down", retryAfter } }) as const

  it("leaves the credential alone for a second, doubling up to a minute", () => {
    let state: State.State<string> = read()
    let now = 12 * hour
    for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
      const failed = fail(state, now)
      assert.strictEqual(failed.failure.retryAt, now + seconds * second)
      assert.deepStrictEqual(decide(failed, now + 1), refuse(seconds * second - 1))
      assert.deepStrictEqual(decide(failed, now + seconds * second), refresh)
      state = failed
      now = failed.failure.retryAt
    }
  })

  it("does not take a valid token away, and begins no refresh during the pause", () => {
    const now = 11 * hour
    const state = fail(read({}, 0), now)
    assert.strictEqual(decide(state, now), "Serve one")
    assert.deepStrictEqual(decide(state, now + second), refresh)
  })

  it("does not serve a token past its expiry", () => {
    const state = fail(read(), 12 * hour - 1)
    assert.strictEqual(decide(state, 12 * hour - 1), "Serve one")
    assert.deepStrictEqual(decide(state, 12 * hour), refuse(second - 1))
  })

  it("pauses for as long as Slack says while the token is valid, and for five minutes at most without one", () => {
    assert.strictEqual(fail(read(), 11 * hour, 30 * minute).failure.retryAt, 11.5 * hour)
    assert.strictEqual(fail(read(), 11 * hour, 24 * hour).failure.retryAt, 12 * hour)
    assert.strictEqual(fail(read(), 12 * hour, 24 * hour).failure.retryAt, 12 * hour + 5 * minute)
    assert.strictEqual(fail(State.initial, 0, 24 * hour).failure.retryAt, 5 * minute)
  })

  it("is over after a success, and when the credential turns out to be dead", () => {
    assert.deepStrictEqual(State.onSuccess(fail(read(), 1)), read())
    assert.isUndefined(read({ deadBy: "account_inactive" }, 2, fail(read(), 1)).failure)
    assert.isDefined(read({}, 2, fail(read(), 1)).failure)
  })
})

describe("the pause after a failure", () => {
  it("is longer or shorter by chance, by a quarter at most", () => {
    const pauses = [0, 0.5, 1, 0.0001].map((chance) => State.pauseAfter(0, chance))
    assert.deepStrictEqual(pauses, [750, 1000, 1250, 751])
    assert.deepStrictEqual([0, 1].map((chance) => State.pauseAfter(20, chance)), [45_000, 75_000])
  })
})

describe("a change by this process", () => {
  it("makes it forget what it has read, and doubt a token that is not saved", () => {
    const failed = State.onFailure(read(), "down", 0, at(1))
    assert.deepStrictEqual(State.onChanged(failed), State.initial)
    const unsaved = sample({ token: "two", generation: 2 })
    const doubtful = State.onChanged(State.onUnsaved(read(), unsaved))
    assert.deepStrictEqual(doubtful, { ...State.initial, unsaved, isUnsavedDoubtful: true })
    assert.deepStrictEqual(State.onUnsaved(doubtful, unsaved), { ...State.initial, unsaved })
    assert.deepStrictEqual(State.onSaved(doubtful), State.initial)
  })
})

describe("isEarly", () => {
  it("is true until the latest time of a refresh, and of what is dead", () => {
    const isEarly = (sampled: Sample, now: number) => State.isEarly(rules, sample(sampled), now)
    assert.deepStrictEqual([isEarly({}, 10.5 * hour - 1), isEarly({}, 10.5 * hour)], [true, false])
    assert.isTrue(isEarly({ deadBy: "invalid_refresh_token" }, 13 * hour))
  })
})

describe("a refusal by Slack", () => {
  it("ends the service of the token, and is due for a refresh at once", () => {
    const state = State.onRefused(State.onFailure(read(), "down", hour, at(1)), "one", "token_revoked")
    assert.deepStrictEqual(decide(state, 2), refresh)
    assert.isTrue(State.isDue(state, 2, false))
  })

  it("holds when the same token is read again, and ends when another one is", () => {
    const state = State.onRefused(read(), "one", "token_revoked")
    assert.deepStrictEqual(decide(read({}, 1, state), 2), refresh)
    assert.strictEqual(decide(read({ token: "two", generation: 2 }, 1, state), 2), "Serve two")
  })

  it("of a token that was replaced changes nothing", () => {
    const state = read()
    assert.strictEqual(State.onRefused(state, "another", "token_revoked"), state)
  })

  it("is kept for a credential that is not known yet", () => {
    const state = read({}, 1, State.onRefused(State.initial, "one", "token_revoked"))
    assert.deepStrictEqual(decide(state, 2), refresh)
  })

  it("is about the unsaved token, if there is one", () => {
    const unsaved = sample({ token: "two", generation: 2 })
    const state = State.onRead(rules, State.onUnsaved(read(), unsaved), unsaved, at(1))
    const refused = { token: "two", code: "token_revoked" }
    // Another caller may have read the stored one since.
    for (const known of [state, read({}, 2, state)]) {
      assert.isUndefined(State.onRefused(known, "one", "token_revoked").refused)
      assert.deepStrictEqual(State.onRefused(known, "two", "token_revoked").refused, refused)
    }
  })
})

describe("an unsaved token", () => {
  const unsaved = sample({ token: "two", generation: 2 })
  const keep = (rules: State.Rules) => State.onRead(rules, State.onUnsaved(read(), unsaved), unsaved, at(1))

  it("is served like a stored one", () => {
    assert.strictEqual(decide(keep(rules), 2), "Serve two")
  })

  it("sends each caller to save it, where nothing runs in the background", () => {
    const alone = { ...rules, sharedRefresh: false }
    assert.deepStrictEqual(decide(keep(alone), 2, undefined, alone), refresh)
    const saved = State.onRead(alone, State.onSaved(keep(alone)), unsaved, at(3))
    assert.strictEqual(decide(saved, 4, undefined, alone), "Serve two")
  })
})

describe("a credential that is not stored any more", () => {
  it("is not known, and was never a failure", () => {
    const state = State.onMissing(State.onFailure(read(), "down", 0, at(1)))
    assert.deepStrictEqual(decide(state, 2), refresh)
  })
})

describe("isDue", () => {
  const isDue = (sampled: Sample, now: number, isForced = false) => State.isDue(read(sampled, 0), now, isForced)

  it("is true from the refresh time on, and by force before", () => {
    assert.deepStrictEqual([isDue({}, 10 * hour - 1), isDue({}, 10 * hour), isDue({}, 0, true)], [false, true, true])
  })

  it("is never true of what is unknown, dead, permanent, or without a refresh token", () => {
    assert.isFalse(State.isDue(State.initial, 13 * hour, true))
    for (const sampled of [{ deadBy: "invalid_refresh_token" }, { life: undefined }, { refreshes: false }]) {
      assert.deepStrictEqual([isDue(sampled, 13 * hour), isDue(sampled, 13 * hour, true)], [false, false])
    }
  })
})

describe("judge", () => {
  const judge = (sampled: Sample, now: number, isForced = false) =>
    State.judge(read(sampled, 0), read(sampled, 0).known, now, isForced)

  it("serves what is valid, and looks again at what has ended since and can be refreshed", () => {
    assert.deepStrictEqual([judge({}, 0), judge({}, 12 * hour)], ["serve", "again"])
  })

  it("says that a token without a refresh token has ended", () => {
    assert.deepStrictEqual([judge({ refreshes: false }, 0), judge({ refreshes: false }, 12 * hour)], ["serve", "ended"])
  })

  it("serves the last token of a dead chain while it is valid, but not as the result of a forced refresh", () => {
    const dead = { deadBy: "invalid_refresh_token" }
    assert.deepStrictEqual([judge(dead, 0), judge(dead, 0, true), judge(dead, 12 * hour)], ["serve", "dead", "dead"])
    assert.strictEqual(judge({ deadBy: "account_inactive" }, 0), "dead")
  })
})

// -------------------------------------------------------------------------------------
// any sequence of events
// -------------------------------------------------------------------------------------

type Happening =
  /** The clock is set back if it is less than zero. */
  | { readonly what: "wait"; readonly millis: number }
  | { readonly what: "read" | "removed" | "saved" }
  | { readonly what: "renewed" | "unsaved"; readonly life: number; readonly refreshes: boolean }
  | { readonly what: "failed"; readonly hint: number }
  | { readonly what: "refused"; readonly which: number }
  | { readonly what: "died"; readonly code: string }

const one = <const A extends string>(...names: ReadonlyArray<A>) => FastCheck.constantFrom(...names)
const lives = FastCheck.constantFrom(-minute, 0, second, 2 * minute, hour, 12 * hour, Infinity)

const happening: FastCheck.Arbitrary<Happening> = FastCheck.oneof(
  FastCheck.record({
    what: one("wait"),
    millis: FastCheck.constantFrom(1, 999, 4000, 61_000, 601_000, hour, 11 * hour, -5 * minute)
  }),
  FastCheck.record({ what: one("read", "removed", "saved") }),
  FastCheck.record({ what: one("renewed", "unsaved"), life: lives, refreshes: FastCheck.boolean() }),
  FastCheck.record({ what: one("failed"), hint: FastCheck.constantFrom(0, 30_000, hour, 24 * hour) }),
  FastCheck.record({ what: one("refused"), which: FastCheck.nat(3) }),
  FastCheck.record({ what: one("died"), code: one("invalid_refresh_token", "account_inactive", "token_expired") })
)

/** What is true of one token, computed independently of the code under test. */
interface Truth {
  readonly expiresAt: number
  isRefused: boolean
  deadBy: string | undefined
}

const assertAlong = (by: State.Rules, happenings: ReadonlyArray<Happening>, chance: number) => {
  let now = 0
  let generation = 1
  let state: State.State<string> = State.initial
  let stored = sample({ token: "token 1", generation, life: 12 * hour })
  const truths = new Map<string, Truth>([["token 1", { expiresAt: 12 * hour, isRefused: false, deadBy: undefined }]])
  let lastReadAt = -Infinity

  const see = (credential: Installation.BotCredential) => {
    // Another token is known now, so what is known of the one before is dropped.
    for (const [name, truth] of truths) {
      if (name !== Redacted.value(credential.token.accessToken)) truth.isRefused = false
    }
    lastReadAt = now
    state = State.onRead(by, state, credential, at(now, chance))
  }

  const happen = (happening: Happening): void => {
    switch (happening.what) {
      case "wait":
        now += happening.millis
        return
      case "read":
        return see(stored)
      case "removed":
        state = State.onMissing(state)
        return
      case "saved":
        state = State.onSaved(state)
        return see(stored)
      case "renewed":
      case "unsaved": {
        const token = `token ${++generation}`
        const life = Number.isFinite(happening.life) ? happening.life : undefined
        stored = sample({ token, generation, issuedAt: now, life, refreshes: happening.refreshes })
        truths.set(token, { expiresAt: now + happening.life, isRefused: false, deadBy: undefined })
        if (happening.what === "unsaved") state = State.onUnsaved(state, stored)
        see(stored)
        state = State.validOf(state, now) === undefined
          ? State.onFailure(state, "ended", 0, at(now, chance))
          : State.onSuccess(state)
        return
      }
      case "failed":
        state = State.onFailure(state, "down", happening.hint, at(now, chance))
        return
      case "refused": {
        const token = `token ${Math.max(1, generation - happening.which)}`
        const known = state.unsaved ?? state.known?.credential
        state = State.onRefused(state, token, "token_revoked")
        // For a credential that is not known, the last refusal counts.
        if (known === undefined) { for (const truth of truths.values()) truth.isRefused = false }
        const truth = truths.get(token)
        if (truth !== undefined && (known === undefined || Redacted.value(known.token.accessToken) === token)) {
          truth.isRefused = true
        }
        return
      }
      case "died":
        generation++
        stored = Installation.change(
          stored,
          Installation.Change.Dead({ code: happening.code, since: DateTime.unsafeMake(now) })
        )
        truths.get(Redacted.value(stored.token.accessToken))!.deadBy = happening.code
        return see(stored)
    }
  }

  const check = (runningFor: number | undefined): void => {
    const decision = State.decide(by, state, now, runningFor)
    const valid = State.validOf(state, now)
    if (State.isFresh(state, now)) assert.strictEqual(decision._tag, "Serve", "what is fresh may not be served")
    switch (decision._tag) {
      case "Serve": {
        const truth = truths.get(Redacted.value(decision.token))!
        assert.isAbove(truth.expiresAt, now, "a token is served past its expiry")
        assert.isFalse(truth.isRefused, "a token is served that Slack refused")
        assert.include([undefined, "invalid_refresh_token"], truth.deadBy, "a token is served that died")
        if (State.isFresh(state, now)) {
          assert.isBelow(now, lastReadAt + by.cacheTime, "a token is served without a look at the store for too long")
        }
        return
      }
      case "Refuse": {
        assert.isUndefined(valid, "a caller is refused, and there is a valid token")
        const { refusal } = decision
        assert(refusal._tag === "Unavailable")
        assert.isAbove(refusal.retryAfter, 0)
        assert.isAtMost(refusal.retryAfter, 5 * minute, "a credential without a token is left alone for too long")
        return
      }
      case "Refresh":
        assert.isTrue(
          state.failure === undefined || state.failure.retryAt <= now || now < state.failure.at,
          "a refresh begins during a pause"
        )
        assert.strictEqual(decision.atMost, by.patience)
        return
      case "Wait":
        assert.isAbove(decision.atMost, 0)
        if (valid !== undefined) {
          assert.isAtMost(decision.atMost, by.patience, "a caller with a valid token waits too long")
        }
    }
  }

  for (const next of happenings) {
    happen(next)
    for (const runningFor of [undefined, 0, second, 5 * second]) check(runningFor)
  }
}

describe("any sequence of events", () => {
  const sequences = FastCheck.array(happening, { minLength: 1, maxLength: 30 })
  const chances = FastCheck.constantFrom(0, 0.3, 0.999)

  for (const sharedRefresh of [true, false]) {
    const name = sharedRefresh ? "with shared refreshes" : "with each caller for itself"
    it(`${name}, no expired, refused or dead token is served, and no caller is kept from a valid one`, () => {
      const outcome = FastCheck.check(
        FastCheck.property(
          sequences,
          chances,
          (happenings, chance) => assertAlong({ ...rules, sharedRefresh }, happenings, chance)
        ),
        { numRuns: 1000 }
      )
      assert.isFalse(outcome.failed, FastCheck.defaultReportMessage(outcome))
    })
  }
})
