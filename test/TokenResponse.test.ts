import { assert, describe, it } from "@effect/vitest"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { inspect } from "node:util"
import { requestedAt as requestedAtIso, tokenResponses } from "./fixtures/tokenResponses.js"
import * as Texts from "./utils/effect/texts.js"

const requestedAt = DateTime.unsafeMake(requestedAtIso)
const FromWire = TokenResponse.FromWire(requestedAt)

const decode = Schema.decodeUnknownEither(FromWire)
const encode = Schema.encodeSync(FromWire)

/** The model with its secrets in sight: two `Redacted` values look equal to an assertion, whatever they hold. */
const reveal = Schema.encodeSync(TokenResponse.TokenResponse)

const withoutUndefined = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

const modelOf = (wire: unknown): TokenResponse.TokenResponse =>
  Either.getOrThrowWith(decode(wire), (error) => new Error(error.message))

const pathsOf = (body: unknown): ReadonlyArray<string> | "it decodes" =>
  Either.match(TokenResponse.fromBody(body, requestedAt), { onLeft: (paths) => paths, onRight: () => "it decodes" })

const bot = {
  ok: true,
  app_id: "A0TEST",
  access_token: "xoxb-test-base",
  token_type: "bot",
  scope: "chat:write",
  team: { id: "T0TEST", name: "Test Works" }
}

// -------------------------------------------------------------------------------------
// generators
// -------------------------------------------------------------------------------------

const { constant, constantFrom, integer, oneof, record, string, stringMatching } = FastCheck

const id = (prefix: string) => stringMatching(new RegExp(`^${prefix}[A-Z0-9]{1,10}$`))
const word = stringMatching(/^[a-z_.:]{1,12}$/)
const token = stringMatching(/^xox[bp]-test-[A-Za-z0-9-]{1,30}$/)
const refreshToken = stringMatching(/^xoxe-1-test-[A-Za-z0-9]{1,30}$/)
const name = string({ minLength: 1, maxLength: 12 })

/** Responses that Slack can give, in the JSON form of the model. */
const response: FastCheck.Arbitrary<typeof TokenResponse.TokenResponse.Encoded> = (() => {
  const party = (prefix: string) => record({ id: id(prefix), name }, { requiredKeys: ["id"] })
  const expiry = record({
    expiresAt: integer({ min: 0, max: 10_000_000 }).map((seconds) =>
      DateTime.formatIso(DateTime.add(requestedAt, { seconds }))
    ),
    refreshToken
  }, { requiredKeys: ["expiresAt"] })
  const credential = { accessToken: token, scopes: FastCheck.array(word, { maxLength: 4 }) }
  const anyBot = record({ ...credential, botUserId: id("U"), expiry }, { requiredKeys: ["accessToken", "scopes"] })
  const anyUser = record({ ...credential, expiry }, { requiredKeys: ["accessToken", "scopes"] })
  const common = record({
    appId: id("A"),
    target: oneof(
      record({ _tag: constant("Workspace" as const), team: party("T"), enterprise: party("E") }, {
        requiredKeys: ["_tag", "team"]
      }),
      record({ _tag: constant("Organization" as const), enterprise: party("E") })
    ),
    incomingWebhook: record(
      { url: FastCheck.webUrl(), channel: name, channelId: id("C"), configurationUrl: FastCheck.webUrl() },
      { requiredKeys: ["url", "channel", "configurationUrl"] }
    ),
    warnings: FastCheck.uniqueArray(word, { maxLength: 3 })
  }, { requiredKeys: ["appId", "target", "warnings"] })
  const install = record({ authedUserId: id("U"), bot: anyBot, user: anyUser }, { requiredKeys: ["authedUserId"] })
    .filter(({ bot, user }) => bot !== undefined || user !== undefined)
    .map(({ authedUserId, bot, user }) => ({
      authedUserId,
      ...(bot === undefined ? undefined : { bot }),
      ...(user === undefined ? undefined : { user: { ...user, userId: authedUserId } })
    }))
  const refresh = oneof(
    record({ bot: anyBot }),
    record({ user: anyUser }),
    record({ user: anyUser, userId: id("U") }).map(({ user, userId }) => ({ user: { ...user, userId } }))
  )
  return FastCheck.tuple(common, oneof(install, refresh)).map(([common, tokens]) => ({ ...common, ...tokens }))
})()

const modelFromJson = Schema.decodeSync(TokenResponse.TokenResponse)

const wellFormed = response.map((json) => encode(modelFromJson(json)))

/** Responses of an imitation of Slack: every field may be missing, null or empty. */
const oddWire: FastCheck.Arbitrary<Record<string, unknown>> = (() => {
  const loose = <A>(arbitrary: FastCheck.Arbitrary<A>) => oneof({ weight: 4, arbitrary }, constantFrom(null, ""))
  const nullable = <A>(arbitrary: FastCheck.Arbitrary<A>) => oneof({ weight: 4, arbitrary }, constant(null))
  const party = (prefix: string) => nullable(record({ id: loose(id(prefix)).map(String), name: loose(name) }))
  const list = FastCheck.array(word, { maxLength: 4 }).chain((words) =>
    constantFrom(",", ", ", " ", ",,").map((separator) => words.join(separator))
  )
  const credential = {
    access_token: loose(token),
    token_type: loose(constantFrom("bot", "user", "granular_bot", "something_new")),
    scope: loose(list),
    expires_in: nullable(integer({ min: 0, max: 100_000 })),
    refresh_token: loose(refreshToken)
  }
  return record({
    ok: constant(true),
    app_id: id("A"),
    team: party("T"),
    enterprise: party("E"),
    is_enterprise_install: nullable(FastCheck.boolean()),
    ...credential,
    bot_user_id: loose(id("U")),
    user_id: loose(id("U")),
    authed_user: nullable(record({ id: loose(id("U")), ...credential }, { requiredKeys: [] })),
    incoming_webhook: nullable(record({
      url: FastCheck.webUrl(),
      channel: name,
      channel_id: loose(id("C")),
      configuration_url: FastCheck.webUrl()
    })),
    warning: loose(list),
    response_metadata: nullable(record({ warnings: nullable(FastCheck.array(list, { maxLength: 3 })) })),
    something_new: FastCheck.jsonValue()
  }, { requiredKeys: ["app_id"] })
})()

const pathsIn = (value: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> =>
  typeof value === "object" && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))]
    : [path]

const replaceAt = (value: unknown, path: ReadonlyArray<string>, replacement: unknown): unknown => {
  const [key, ...rest] = path
  if (key === undefined) return replacement
  const copy: any = Array.isArray(value) ? [...value] : { ...value as object }
  const inner = replaceAt(copy[key], rest, replacement)
  if (inner === undefined) delete copy[key]
  else copy[key] = inner
  return copy
}

/** A value that must not be in any message about it. */
const canary = "xoxb-test-CANARY"

/** A response with up to three places deleted or filled with something else. */
const mutilated: FastCheck.Arbitrary<unknown> = oneof(wellFormed, oddWire).chain((wire) =>
  FastCheck.array(
    FastCheck.tuple(
      constantFrom(...pathsIn(wire)),
      oneof(
        constantFrom(undefined, null, "", 0, -1, 1e300, 0.5, true, {}, []),
        constantFrom(canary, [canary], { id: canary }, { id: [canary] }, { url: canary }),
        FastCheck.jsonValue()
      )
    ),
    { minLength: 1, maxLength: 3 }
  ).map((changes) => changes.reduce<unknown>((wire, [path, value]) => replaceAt(wire, path, value), wire))
)

// -------------------------------------------------------------------------------------
// tests
// -------------------------------------------------------------------------------------

describe("TokenResponse", () => {
  describe("every shape that Slack writes", () => {
    for (const { model, name, wire, written } of tokenResponses) {
      it(`${name}: decodes`, () => {
        assert.deepStrictEqual(reveal(modelOf(wire)), model)
      })

      it(`${name}: is written back`, () => {
        assert.deepStrictEqual(encode(modelFromJson(model)), withoutUndefined({ ...wire, ...written }) as any)
      })
    }

    it("unknown keys are ignored", () => {
      const wire = {
        ...bot,
        something_new: { deep: [1] },
        authed_user: { id: "U0CLICK", also_new: true },
        team: { ...bot.team, domain: "test" }
      }
      assert.deepStrictEqual(reveal(modelOf(wire)).authedUserId, "U0CLICK")
    })

    it("decodes to instances, with absent parts as none", () => {
      const model = modelOf(bot)
      assert.instanceOf(model, TokenResponse.TokenResponse)
      assert.instanceOf(model.target, TokenResponse.Workspace)
      assert.strictEqual(model.user._tag, "None")
      assert.strictEqual(model.incomingWebhook._tag, "None")
      assert.strictEqual(model.authedUserId._tag, "None")
      assert.deepStrictEqual(model.warnings, [])
    })
  })

  describe("unusual responses", () => {
    it("treats an unknown token_type as a bot's, unless the answer has only a person's id", () => {
      const kind = (fields: object) => {
        const { bot: botToken, user } = modelOf({ ...bot, ...fields })
        return [botToken._tag === "Some" && "bot", user._tag === "Some" && "user"].filter((kind) => kind !== false)
      }
      assert.deepStrictEqual(kind({ token_type: "something_new" }), ["bot"])
      assert.deepStrictEqual(kind({ token_type: undefined }), ["bot"])
      assert.deepStrictEqual(kind({ token_type: "something_new", user_id: "U0OWNER" }), ["user"])
      assert.deepStrictEqual(kind({ token_type: "something_new", user_id: "U0OWNER", bot_user_id: "U0BOT" }), ["bot"])
      assert.deepStrictEqual(kind({ token_type: "user", bot_user_id: "U0BOT" }), ["user"])
      assert.deepStrictEqual(kind({ token_type: "granular_bot", user_id: "U0OWNER" }), ["bot"])
    })

    it("reads an organization where there is no workspace, flag or not", () => {
      const target = (fields: object) => modelOf({ ...bot, ...fields }).target._tag
      const enterprise = { id: "E0TEST" }
      assert.strictEqual(target({ team: null, enterprise }), "Organization")
      assert.strictEqual(target({ enterprise, is_enterprise_install: true }), "Organization")
      assert.strictEqual(target({ enterprise, is_enterprise_install: false }), "Workspace")
      assert.strictEqual(target({ enterprise: { id: "" }, is_enterprise_install: true }), "Workspace")
    })

    it("prefers the user token at the top to the one in authed_user", () => {
      const wire = {
        ...bot,
        token_type: "user",
        access_token: "xoxp-test-top",
        authed_user: { id: "U0CLICK", access_token: "xoxp-test-nested" }
      }
      assert.deepInclude(reveal(modelOf(wire)).user, { accessToken: "xoxp-test-top", userId: "U0CLICK" })
    })

    it("splits scopes at commas and white space", () => {
      assert.deepStrictEqual(reveal(modelOf({ ...bot, scope: "a:read, b:write c,,d" })).bot?.scopes, [
        "a:read",
        "b:write",
        "c",
        "d"
      ])
    })

    it("counts the lifetime from the request, and writes the rest of it", () => {
      const wire = { ...bot, expires_in: 43200, refresh_token: "xoxe-1-test" }
      const later = TokenResponse.FromWire(DateTime.add(requestedAt, { hours: 5 }))
      assert.strictEqual(reveal(modelOf(wire)).bot?.expiry?.expiresAt, "2026-01-02T15:04:05.000Z")
      assert.strictEqual(Schema.encodeSync(later)(modelOf(wire)).expires_in, 7 * 60 * 60)
      const muchLater = TokenResponse.FromWire(DateTime.add(requestedAt, { days: 5 }))
      assert.strictEqual(Schema.encodeSync(muchLater)(modelOf(wire)).expires_in, 0)
    })
  })

  describe("round trips", () => {
    it("encode, then decode: every response comes back as it was", () =>
      FastCheck.assert(
        FastCheck.property(response, (json) => {
          const model = modelFromJson(json)
          assert.deepStrictEqual(reveal(modelOf(withoutUndefined(encode(model)))), json)
        }),
        { numRuns: 500 }
      ))

    it("decode, then encode, then decode: nothing that was decoded is lost, in any spelling", () => {
      let understood = 0
      FastCheck.assert(
        FastCheck.property(oddWire, (wire) => {
          const first = TokenResponse.fromBody(wire, requestedAt)
          if (Either.isLeft(first)) return
          understood++
          assert.deepStrictEqual(reveal(modelOf(encode(first.right))), reveal(first.right))
        }),
        { numRuns: 2000 }
      )
      assert.isAbove(understood, 100)
    })

    it("the model's own JSON form", () =>
      FastCheck.assert(FastCheck.property(response, (json) => {
        assert.deepStrictEqual(reveal(modelFromJson(JSON.parse(JSON.stringify(json)))), json)
      })))
  })

  describe("other values", () => {
    it("are refused with the paths that do not fit", () => {
      assert.deepStrictEqual(pathsOf({ ...bot, team: { id: 7 } }), ["team.id"])
      assert.deepStrictEqual(pathsOf({ ...bot, team: { name: "Test Works" } }), ["team.id"])
      assert.deepStrictEqual(pathsOf({ ...bot, team: null }), ["team"])
      assert.deepStrictEqual(pathsOf({ ...bot, access_token: undefined }), ["access_token"])
      assert.deepStrictEqual(pathsOf({ ...bot, access_token: [canary] }), ["access_token"])
      assert.deepStrictEqual(pathsOf({ ok: false, error: "invalid_code" }), ["ok"])
      assert.deepStrictEqual(pathsOf({ ok: true, warning: "missing_charset" }), ["app_id"])
      assert.deepStrictEqual(pathsOf([bot]), [])
      assert.deepStrictEqual(pathsOf("text"), [])
      assert.deepStrictEqual(pathsOf(null), [])
    })

    it("are not quoted, neither in paths nor in a ParseError", () => {
      let refused = 0
      FastCheck.assert(
        FastCheck.property(mutilated, (body) => {
          const byFastPath = TokenResponse.fromBody(body, requestedAt)
          if (Either.isRight(byFastPath)) return
          refused++
          const failure = Either.getOrThrow(Either.flip(decode(body)))
          const failureOfWire = Schema.decodeUnknownEither(TokenResponse.Wire)(body)
          const said = [
            ...byFastPath.left,
            failure.message,
            String(failure),
            JSON.stringify(failure),
            inspect(failure),
            ...Texts.ofParseError(failure),
            Either.isLeft(failureOfWire) ? String(failureOfWire.left) : "",
            ...Texts.ofValue(failure)
          ].join("\n")
          assert.notInclude(said, "CANARY")
          assert.notMatch(said, /xox/)
        }),
        { numRuns: 1000 }
      )
      assert.isAbove(refused, 100)
    })

    it("are refused by the fast decoder exactly as by the schema", () => {
      const seen = { accepted: 0, refused: 0 }
      FastCheck.assert(
        FastCheck.property(oneof(mutilated, wellFormed, oddWire, FastCheck.jsonValue()), (body) => {
          const fast = TokenResponse.fromBody(body, requestedAt)
          const slow = decode(body)
          assert.strictEqual(fast._tag, slow._tag)
          if (Either.isRight(fast) && Either.isRight(slow)) {
            seen.accepted++
            assert.deepStrictEqual(reveal(fast.right), reveal(slow.right))
          } else {
            seen.refused++
          }
        }),
        { numRuns: 1500 }
      )
      assert.isAbove(seen.accepted, 100)
      assert.isAbove(seen.refused, 100)
    })
  })

  it("keeps its secrets when it is logged, printed or made JSON by accident", () => {
    const [install] = tokenResponses.filter(({ name }) => name.startsWith("6."))
    const webhook = tokenResponses.find(({ name }) => name.startsWith("9."))
    for (const fixture of [install, webhook]) {
      const model = modelOf(fixture?.wire)
      const said = [
        String(model),
        inspect(model, { depth: null, showHidden: true }),
        JSON.stringify(model),
        ...Texts.ofValue(model)
      ]
      for (const text of said) assert.notMatch(text, /xox|hooks\.slack/)
    }
  })
})
