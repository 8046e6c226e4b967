import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import type * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import * as Properties from "./utils/effect/properties.js"
import { authTest, inMemory } from "./utils/emulator.js"

// -------------------------------------------------------------------------------------
// random sequences of actions
// -------------------------------------------------------------------------------------

/** An action. `which` chooses among the codes or tokens that exist by then. */
type Step =
  | { readonly do: "authorize"; readonly workspace: string; readonly scopes: "bot" | "user" | "both" }
  | { readonly do: "redeem"; readonly which: number }
  | { readonly do: "refresh"; readonly which: number }
  | { readonly do: "legacy"; readonly workspace: string }
  | { readonly do: "exchange"; readonly which: number }
  | { readonly do: "revoke"; readonly which: number }
  | { readonly do: "uninstall"; readonly workspace: string }
  | { readonly do: "fault"; readonly fault: keyof typeof faults }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "restart" }

const faults = {
  "a code": SlackEmulator.code("fatal_error"),
  "a limit": SlackEmulator.rateLimited(),
  "a page": SlackEmulator.serverError(502),
  "a text": SlackEmulator.text(),
  "a cut before": SlackEmulator.cutBeforeReading,
  "a lost reply": SlackEmulator.cutAfterStateChange,
  "half a reply": SlackEmulator.cutInBody,
  "a false alarm": SlackEmulator.afterStateChange(SlackEmulator.code("internal_error"))
}

/** Faults after the state has changed. */
const late = new Set<string>(["a lost reply", "half a reply", "a false alarm"])

const workspaces = ["T0ONE", "T0TWO"]

const which = FastCheck.nat(40)
const workspace = FastCheck.constantFrom(...workspaces)

const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  {
    weight: 4,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("authorize" as const),
      workspace,
      scopes: FastCheck.constantFrom("bot" as const, "user" as const, "both" as const)
    })
  },
  { weight: 5, arbitrary: FastCheck.record({ do: FastCheck.constant("redeem" as const), which }) },
  { weight: 8, arbitrary: FastCheck.record({ do: FastCheck.constant("refresh" as const), which }) },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("legacy" as const), workspace }) },
  { weight: 2, arbitrary: FastCheck.record({ do: FastCheck.constant("exchange" as const), which }) },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("revoke" as const), which }) },
  { weight: 1, arbitrary: FastCheck.record({ do: FastCheck.constant("uninstall" as const), workspace }) },
  {
    weight: 4,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("fault" as const),
      fault: FastCheck.constantFrom(...Object.keys(faults) as Array<keyof typeof faults>)
    })
  },
  {
    weight: 4,
    arbitrary: FastCheck.record({
      do: FastCheck.constant("wait" as const),
      seconds: FastCheck.constantFrom(1, 30, 60, 601, 3600, 43_200)
    })
  },
  { weight: 1, arbitrary: FastCheck.constant({ do: "restart" as const }) }
)

const gracePeriod = 60_000

/** Every life begins with these, and so does every restart. */
const seed: SlackEmulator.Options = {
  workspaces: workspaces.map((id) => ({ id })),
  refreshGracePeriod: gracePeriod,
  codes: [{ code: "seed-one", workspace: "T0ONE" }, {
    code: "seed-two",
    workspace: "T0TWO",
    userScopes: ["search:read"]
  }],
  tokens: [
    { workspace: "T0TWO", accessToken: "xoxb-seed-legacy" },
    { workspace: "T0ONE", person: "U0EMULATED", accessToken: "xoxe.xoxp-1-seed", refreshToken: "xoxe-1-seed" },
    {
      workspace: "T0ONE",
      next: [1, 2].map((n) => ({ accessToken: `xoxe.xoxb-1-seed-${n}`, refreshToken: `xoxe-1-seed-${n}` }))
    }
  ]
}

/** No call is retried, and none times out. */
const onePatientAttempt = RetryPolicy.provide(RetryPolicy.none, {
  attemptTimeout: Duration.days(1),
  budget: Duration.infinity
})

/** Performs the actions with our own client, and checks the invariants after each. */
const live = (steps: ReadonlyArray<Step>) =>
  Effect.gen(function*() {
    const codes: Array<string> = []
    const legacies: Array<Redacted.Redacted> = []
    const accessTokens: Array<Redacted.Redacted> = []
    const refreshTokens: Array<Redacted.Redacted> = []
    const issued = new Set<string>()
    const redeemed = new Set<string>()
    const exchanged = new Set<string>()
    const firstUse = new Map<string, number>()
    const ended = new Map<number, string>()
    let pending: keyof typeof faults | undefined

    /** The life begins, or begins again. */
    const begin = () => {
      for (const list of [codes, legacies, accessTokens, refreshTokens]) list.splice(0)
      for (const memory of [issued, redeemed, exchanged, firstUse, ended]) memory.clear()
      pending = undefined
      codes.push("seed-one", "seed-two")
      legacies.push(Redacted.make("xoxb-seed-legacy"))
      accessTokens.push(Redacted.make("xoxe.xoxp-1-seed"))
      refreshTokens.push(Redacted.make("xoxe-1-seed"))
    }
    begin()

    /** Checks that a new token works, and remembers it. */
    const keep = (response: TokenResponse.TokenResponse) =>
      Effect.gen(function*() {
        for (const token of [...Option.toArray(response.bot), ...Option.toArray(response.user)]) {
          assert.isFalse(issued.has(Redacted.value(token.accessToken)), "no token is given twice")
          issued.add(Redacted.value(token.accessToken))
          accessTokens.push(token.accessToken)
          refreshTokens.push(...Option.toArray(Option.flatMap(token.expiry, ({ refreshToken }) => refreshToken)))
          assert.strictEqual((yield* authTest(token.accessToken)).ok, true, "a new token works")
        }
      })

    /** How many pairs were issued, and how many refresh tokens work. */
    const census = Effect.map(SlackEmulator.chains, (chains) => ({
      issued: chains.reduce((sum, { generations }) => sum + generations, 0),
      usable: new Set(chains.flatMap(({ liveRefreshTokens }) => liveRefreshTokens.map(Redacted.value)))
    }))

    /** Makes a call, and returns whether the rules accepted it, whatever the client received. */
    const attempt = <E>(call: Effect.Effect<TokenResponse.TokenResponse, E, OAuthV2.OAuthV2>) =>
      Effect.gen(function*() {
        const fault = pending
        pending = undefined
        const before = yield* census
        const result = yield* Effect.either(call)
        const after = yield* census
        const lastCall = (yield* SlackEmulator.calls).at(-1)
        const granted = lastCall?.result === "ok"
        if (Either.isRight(result)) {
          assert.isTrue(granted)
          assert.isUndefined(fault)
          yield* keep(result.right)
        } else if (fault !== undefined && !late.has(fault)) {
          assert.deepStrictEqual(after, before, "an early fault changes nothing")
        } else if (granted) {
          assert.isTrue(fault !== undefined && late.has(fault))
          assert.isAbove(after.issued, before.issued)
          const unseen = Array.from(after.usable).filter((token) => !before.usable.has(token))
          assert.isAbove(unseen.length, 0, "a lost reply leaves the new pair alive")
        }
        return granted
      })

    const pick = <A>(from: ReadonlyArray<A>, which: number): A | undefined => from[which % Math.max(1, from.length)]

    for (const step of steps) {
      switch (step.do) {
        case "authorize": {
          const { code } = yield* SlackEmulator.authorize({
            workspace: step.workspace,
            scopes: step.scopes === "user" ? [] : ["chat:write"],
            userScopes: step.scopes === "bot" ? [] : ["search:read"]
          })
          codes.push(code)
          break
        }
        case "redeem": {
          const code = pick(codes, step.which)
          if (code === undefined) break
          const granted = yield* attempt(OAuthV2.access({ code }))
          assert.isFalse(granted && redeemed.has(code), "no code works twice")
          if (granted) redeemed.add(code)
          break
        }
        case "refresh": {
          const refreshToken = pick(refreshTokens, step.which)
          if (refreshToken === undefined) break
          const now = yield* Clock.currentTimeMillis
          const granted = yield* attempt(OAuthV2.access({ refreshToken }))
          const first = firstUse.get(Redacted.value(refreshToken))
          if (granted && first !== undefined) {
            assert.isBelow(now - first, gracePeriod, "a refresh token is honoured again inside the grace period only")
          }
          if (granted && first === undefined) firstUse.set(Redacted.value(refreshToken), now)
          break
        }
        case "legacy": {
          legacies.push(yield* SlackEmulator.issueLegacyToken({ workspace: step.workspace }))
          break
        }
        case "exchange": {
          const token = pick(legacies, step.which)
          if (token === undefined) break
          const granted = yield* attempt(OAuthV2.exchange({ token }))
          assert.isFalse(granted && exchanged.has(Redacted.value(token)), "no token is exchanged twice")
          if (granted) exchanged.add(Redacted.value(token))
          break
        }
        case "revoke": {
          const token = pick([...accessTokens, ...refreshTokens, ...legacies], step.which)
          if (token !== undefined) yield* SlackEmulator.revoke(token)
          break
        }
        case "uninstall": {
          yield* SlackEmulator.uninstall({ workspace: step.workspace })
          break
        }
        case "fault": {
          yield* SlackEmulator.clearFaults
          yield* SlackEmulator.inject({
            method: ["oauth.v2.access", "oauth.v2.exchange"],
            fault: faults[step.fault]
          })
          pending = step.fault
          break
        }
        case "restart": {
          const old = accessTokens.filter((token) => !Redacted.value(token).includes("-seed")).at(-1)
          yield* SlackEmulator.restart
          begin()
          if (old !== undefined) assert.strictEqual((yield* authTest(old)).error, "invalid_auth")
          assert.deepStrictEqual(
            (yield* SlackEmulator.chains).map(({ generations, refreshes }) => [generations, refreshes]),
            [[1, 0], [1, 0]],
            "a restart brings back the seed, and nothing else"
          )
          assert.isTrue((yield* authTest(Redacted.make("xoxb-seed-legacy"))).ok)
          break
        }
        case "wait": {
          yield* TestClock.adjust(`${step.seconds} seconds`)
          break
        }
      }

      for (const chain of yield* SlackEmulator.chains) {
        assert.isAtMost(chain.liveAccessTokens.length, 2, "at most two live access tokens a chain")
        const was = ended.get(chain.number)
        if (was !== undefined) assert.deepStrictEqual(chain.ended, Option.some(was), "a revoked chain never comes back")
        if (Option.isSome(chain.ended)) {
          ended.set(chain.number, chain.ended.value)
          assert.deepStrictEqual([...chain.liveAccessTokens, ...chain.liveRefreshTokens], [])
        }
      }
    }
  }).pipe(
    Effect.tapErrorCause(() => Effect.flatMap(SlackEmulator.timeline, Effect.logError)),
    onePatientAttempt,
    Effect.provide(inMemory(seed))
  )

describe("SlackEmulator", () => {
  Properties.effect(
    "keeps its rules in every sequence of actions",
    FastCheck.array(step, { minLength: 10, maxLength: 50, size: "max" }),
    live,
    { fastCheck: { numRuns: Number(process.env.PROPERTY_RUNS ?? 60) }, timeout: 600_000 }
  )
})

// -------------------------------------------------------------------------------------
// many installations
// -------------------------------------------------------------------------------------

describe("twelve hours of rotation", () => {
  it.effect("take seconds for a thousand installations", () =>
    Effect.gen(function*() {
      const ids = Array.from({ length: 1000 }, (_, index) => `T${index}`)
      yield* Effect.forEach(ids, (id) => SlackEmulator.addWorkspace({ id }), { discard: true })

      const install = (workspace: string) =>
        Effect.flatMap(SlackEmulator.authorize({ workspace }), ({ code }) => OAuthV2.access({ code }))
      const refreshIfDue = (response: TokenResponse.TokenResponse) =>
        Effect.gen(function*() {
          const { expiresAt, refreshToken } = Option.getOrThrow(Option.getOrThrow(response.bot).expiry)
          const left = DateTime.distance(yield* DateTime.now, expiresAt)
          return left > Duration.toMillis("2 hours")
            ? response
            : yield* OAuthV2.access({ refreshToken: Option.getOrThrow(refreshToken) })
        })

      let responses = yield* Effect.forEach(ids, install)
      for (let hour = 1; hour <= 12; hour++) {
        yield* TestClock.adjust("1 hour")
        responses = yield* Effect.forEach(responses, refreshIfDue, { concurrency: 20 })
      }

      const chains = yield* SlackEmulator.chains
      assert.strictEqual(chains.length, 1000)
      assert.deepStrictEqual(
        new Set(chains.map(({ refreshes, replays }) => `${refreshes} ${replays}`)),
        new Set(["1 0"])
      )
      assert.deepStrictEqual(
        new Set(chains.flatMap(({ liveAccessTokens }) => liveAccessTokens.map(Redacted.value))),
        new Set(responses.map(({ bot }) => Redacted.value(Option.getOrThrow(bot).accessToken))),
        "the tokens of the app work, and the first tokens have expired"
      )
    }).pipe(onePatientAttempt, Effect.provide(inMemory({ workspaces: [] }))), 60_000)
})
