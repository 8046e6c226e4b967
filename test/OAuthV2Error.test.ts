import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2Error from "effect-slack-oauth/OAuthV2Error"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import * as Codes from "../src/internal/codes.js"
import { documentedFor, methods, type Row, table } from "./fixtures/codes.js"

const everyDocumented = table.flatMap((row) =>
  methods.filter((method) => documentedFor(row, method)).map((method) => ({ row, method }))
)

const full = {
  status: 200,
  requestId: "test-request",
  messages: ["[ERROR] something"],
  warnings: ["superfluous_charset"],
  needed: ["chat:write"],
  provided: ["channels:read", "users:read"],
  retryAfter: Duration.seconds(30)
}

const clientErrors = (method: OAuthV2Error.Method) => [
  new OAuthV2Error.SlackUndocumentedError({ method, code: "something_new", ...full }),
  new OAuthV2Error.SlackTransportError({ method, outcome: "rejected", reason: "ECONNREFUSED" }),
  new OAuthV2Error.SlackTransportError({ method, outcome: "unknown", status: 200 }),
  new OAuthV2Error.SlackTimeoutError({ method, timeout: Duration.seconds(10) }),
  new OAuthV2Error.SlackUnexpectedResponse({
    method,
    ...full,
    contentType: "application/json",
    paths: ["team.id", "access_token"]
  }),
  new OAuthV2Error.SlackUnexpectedResponse({ method, status: 502 })
]

/** All errors of a method. */
const everyError = (method: OAuthV2Error.Method): ReadonlyArray<OAuthV2Error.OAuthV2Error> => [
  ...table.filter((row) => documentedFor(row, method)).flatMap(([code]) => [
    OAuthV2Error.fromCode(code, { method }),
    OAuthV2Error.fromCode(code, { method, ...full })
  ]),
  ...clientErrors(method)
]

const schemaOf = {
  "oauth.v2.access": OAuthV2Error.AccessError,
  "oauth.v2.exchange": OAuthV2Error.ExchangeError
} as const

describe("OAuthV2Error", () => {
  describe("the table of codes", () => {
    it("has 49 codes: 45 for access, 38 for exchange, and a class for each", () => {
      assert.strictEqual(table.length, 49)
      assert.strictEqual(table.filter(([, , access]) => access).length, 45)
      assert.strictEqual(table.filter(([, , , exchange]) => exchange).length, 38)
      assert.strictEqual(new Set(table.map(([code]) => code)).size, 49)
      assert.strictEqual(new Set(table.map(([, tag]) => tag)).size, 49)
    })

    it("is the same as in the library", () => {
      const rows = Object.values(Codes).map(({ code, methods, outcome, remedy, tag }): Row => [
        code,
        tag,
        (methods as ReadonlyArray<string>).includes("oauth.v2.access"),
        (methods as ReadonlyArray<string>).includes("oauth.v2.exchange"),
        remedy,
        outcome
      ])
      assert.deepStrictEqual(rows.sort(([a], [b]) => a < b ? -1 : 1), [...table])
    })

    it("has one row for each exported class", () => {
      const exported = Object.keys(OAuthV2Error).filter((name) => name.startsWith("Slack"))
      const own = ["SlackUndocumentedError", "SlackTransportError", "SlackTimeoutError", "SlackUnexpectedResponse"]
      assert.deepStrictEqual(exported.sort(), [...table.map(([, tag]) => tag), ...own].sort())
    })

    for (const row of table) {
      const [code, tag, , , remedy, outcome] = row
      it(`${code} is ${tag}: ${remedy}, ${outcome}`, () => {
        for (const method of methods) {
          const error = OAuthV2Error.fromCode(code, { method })
          assert.isTrue(OAuthV2Error.isOAuthV2Error(error))
          assert.strictEqual(error.code, code)
          assert.strictEqual(error.method, method)
          if (documentedFor(row, method)) {
            assert.strictEqual(error._tag as string, tag)
            assert.strictEqual(error.name, tag)
            assert.instanceOf(error, (OAuthV2Error as any)[tag])
            assert.strictEqual(error.remedy as string, remedy)
            assert.strictEqual(error.outcome, outcome)
          } else {
            assert.instanceOf(error, OAuthV2Error.SlackUndocumentedError)
          }
        }
      })
    }
  })

  describe("the four that Slack's list does not have", () => {
    it("SlackUndocumentedError keeps the code, and its outcome is unknown", () => {
      const error = OAuthV2Error.fromCode("something_new", { method: "oauth.v2.access", ...full })
      assert.instanceOf(error, OAuthV2Error.SlackUndocumentedError)
      assert.deepInclude(error, { code: "something_new", remedy: "report", outcome: "unknown", ...full })
    })

    it("a code like a property of every object is SlackUndocumentedError", () => {
      for (const code of ["constructor", "toString", "__proto__", "hasOwnProperty", ""]) {
        const error = OAuthV2Error.fromCode(code, { method: "oauth.v2.exchange" })
        assert.instanceOf(error, OAuthV2Error.SlackUndocumentedError)
        assert.strictEqual(error.code, code)
      }
    })

    it("SlackTransportError says whether the request may have arrived", () => {
      for (const outcome of ["rejected", "unknown"] as const) {
        const error = new OAuthV2Error.SlackTransportError({ method: "oauth.v2.access", outcome })
        assert.deepInclude(error, { code: "transport_error", remedy: "retry", outcome })
      }
    })

    it("SlackTimeoutError has the outcome unknown", () => {
      const error = new OAuthV2Error.SlackTimeoutError({ method: "oauth.v2.access", timeout: Duration.seconds(1) })
      assert.deepInclude(error, { code: "timeout", remedy: "retry", outcome: "unknown" })
    })

    it("SlackUnexpectedResponse has the remedy and outcome of its status", () => {
      const at = (status: number) => {
        const { outcome, remedy } = new OAuthV2Error.SlackUnexpectedResponse({ method: "oauth.v2.access", status })
        return [remedy, outcome]
      }
      assert.deepStrictEqual(at(200), ["report", "unknown"])
      assert.deepStrictEqual(at(302), ["report", "rejected"])
      assert.deepStrictEqual(at(404), ["report", "rejected"])
      assert.deepStrictEqual(at(500), ["retry", "unknown"])
      assert.deepStrictEqual(at(504), ["retry", "unknown"])
    })
  })

  describe("every error", () => {
    it("has empty messages and warnings, and only fields that were given", () => {
      for (const { method, row: [code] } of everyDocumented) {
        const error = OAuthV2Error.fromCode(code, { method })
        assert.deepStrictEqual(error.messages, [])
        assert.deepStrictEqual(error.warnings, [])
        for (const field of ["status", "requestId", "needed", "provided", "retryAfter"] as const) {
          assert.isUndefined(error[field], `${code} ${field}`)
        }
        assert.isUndefined(error.cause)
      }
    })

    it("has what Slack said", () => {
      for (const { method, row: [code] } of everyDocumented) {
        assert.deepInclude(OAuthV2Error.fromCode(code, { method, ...full }), full)
      }
    })

    it("has a message that names the call, the code, what to do, and what finds the call again", () => {
      for (const method of methods) {
        const texts = everyError(method).map((error) => {
          assert.isTrue(error.message.startsWith(`${method}: ${error.code}. `), error.message)
          return error.message.slice(`${method}: ${error.code}. `.length)
        })
        for (const text of texts) assert.match(text, /^[A-Z].{30,}\.(?: \(.+\))?$/)
      }
      assert.strictEqual(
        OAuthV2Error.fromCode("missing_scope", { method: "oauth.v2.access", ...full }).message,
        "oauth.v2.access: missing_scope. The token lacks a scope for this. Add what `needed` names to the app's scopes and have the app installed again. (HTTP 200; request test-request; needed chat:write; provided channels:read,users:read; retry after 30s; [ERROR] something)"
      )
      assert.include(
        new OAuthV2Error.SlackTransportError({ method: "oauth.v2.access", outcome: "rejected", reason: "ECONNREFUSED" })
          .message,
        "could not be reached (ECONNREFUSED), and nothing was sent"
      )
      assert.include(
        new OAuthV2Error.SlackUnexpectedResponse({ method: "oauth.v2.access", status: 200, paths: ["team.id"] })
          .message,
        "at: team.id"
      )
    })

    it("has a different message for each code", () => {
      const texts = Object.values(Codes).map(({ text }) => text)
      assert.strictEqual(new Set(texts).size, 49)
    })

    it("warns not to repeat the call if a single-use grant may be spent, and only then", () => {
      for (const method of methods) {
        for (const error of everyError(method)) {
          if (error._tag === "SlackUndocumentedError" || error.remedy !== "retry") continue
          const warns = error.message.includes("do not send it again on a guess")
          assert.strictEqual(warns, error.outcome === "unknown", error.message)
        }
      }
    })
  })

  describe("as JSON", () => {
    for (const method of methods) {
      it(`every error of ${method} can be encoded and decoded`, () => {
        const schema = Schema.parseJson(schemaOf[method])
        for (const error of everyError(method)) {
          const back = Schema.decodeSync(schema)(Schema.encodeSync(schema)(error))
          assert.strictEqual(back._tag, error._tag)
          assert.strictEqual(back.constructor, error.constructor)
          assert.isTrue(Equal.equals(back.retryAfter, error.retryAfter))
          for (const field of ["method", "code", "remedy", "outcome", "status", "requestId", "message"] as const) {
            assert.strictEqual(back[field], error[field])
          }
          for (const field of ["messages", "warnings", "needed", "provided"] as const) {
            assert.deepStrictEqual(back[field], error[field])
          }
        }
      })
    }

    it("can be encoded and decoded with any text of Slack", () => {
      const text = FastCheck.array(FastCheck.string(), { maxLength: 3 })
      const details = FastCheck.record({
        status: FastCheck.integer({ min: 100, max: 599 }),
        requestId: FastCheck.string(),
        messages: text,
        warnings: text,
        needed: text,
        provided: text,
        retryAfter: FastCheck.integer({ min: 0, max: 86_400_000 }).map(Duration.millis)
      }, { requiredKeys: [] })
      const schema = Schema.parseJson(OAuthV2Error.AccessError)
      FastCheck.assert(
        FastCheck.property(FastCheck.constantFrom(...table), details, ([code], details) => {
          const error = OAuthV2Error.fromCode(code, { method: "oauth.v2.access", ...details })
          const back = Schema.decodeSync(schema)(Schema.encodeSync(schema)(error))
          assert.deepStrictEqual(Schema.encodeSync(schema)(back), Schema.encodeSync(schema)(error))
          assert.strictEqual(back.message, error.message)
        })
      )
    })

    it("can be decoded by each class alone", () => {
      const error = new OAuthV2Error.SlackInvalidCode({ method: "oauth.v2.access", status: 200 })
      assert.deepStrictEqual(Schema.encodeSync(OAuthV2Error.SlackInvalidCode)(error), {
        _tag: "SlackInvalidCode",
        method: "oauth.v2.access",
        status: 200,
        messages: [],
        warnings: []
      })
    })

    it("is not decoded for a method without the error", () => {
      const isAccess = Schema.is(OAuthV2Error.AccessError)
      const isExchange = Schema.is(OAuthV2Error.ExchangeError)
      for (const { method, row: [code, , access, exchange] } of everyDocumented) {
        const error = OAuthV2Error.fromCode(code, { method })
        assert.strictEqual(isAccess(error), access, code)
        assert.strictEqual(isExchange(error), exchange, code)
      }
      assert.throws(() =>
        Schema.decodeUnknownSync(OAuthV2Error.AccessError)({ _tag: "SlackInvalidCode", method: "oauth.v2.exchange" })
      )
    })
  })

  describe("isOAuthV2Error", () => {
    it("is true of the errors of this package only", () => {
      for (const method of methods) {
        for (const error of everyError(method)) assert.isTrue(OAuthV2Error.isOAuthV2Error(error))
      }
      for (const other of [null, undefined, "invalid_code", new Error("no"), { _tag: "SlackInvalidCode" }, {}]) {
        assert.isFalse(OAuthV2Error.isOAuthV2Error(other))
      }
    })
  })

  describe("catching", () => {
    it.effect("by tag, for every documented code", () =>
      Effect.gen(function*() {
        for (const { method, row: [code, tag] } of everyDocumented) {
          const caught = yield* Effect.fail(OAuthV2Error.fromCode(code, { method })).pipe(
            Effect.catchTag(tag as "SlackInvalidCode", (error) => Effect.succeed(error.code as string))
          )
          assert.strictEqual(caught, code)
        }
      }))

    it.effect("by remedy: all errors with it, and no others", () =>
      Effect.gen(function*() {
        const remedies = ["retry", "restart", "reauthorize", "configure", "askAdmin", "report", "none"] as const
        for (const method of methods) {
          for (const error of everyError(method)) {
            for (const remedy of remedies) {
              const outcome = yield* OAuthV2Error.catchRemedy(Effect.fail(error), remedy, (caught) =>
                Effect.succeed({ caught })).pipe(Effect.catchAll(Effect.succeed))
              assert.deepStrictEqual(outcome, error.remedy === remedy ? { caught: error } : error)
            }
          }
        }
      }))

    it.effect("by remedy, piped, and then in the handler's own words", () =>
      Effect.gen(function*() {
        const program = (code: string) =>
          Effect.fail(OAuthV2Error.fromCode(code, { method: "oauth.v2.access" })).pipe(
            OAuthV2Error.catchRemedy("restart", (error) => Effect.succeed(`again: ${error._tag}`)),
            OAuthV2Error.catchRemedy("askAdmin", () => Effect.fail("ask" as const))
          )
        assert.strictEqual(yield* program("invalid_code"), "again: SlackInvalidCode")
        assert.strictEqual(yield* Effect.flip(program("no_permission")), "ask")
        const left = yield* Effect.flip(program("token_revoked"))
        assert.instanceOf(left, OAuthV2Error.SlackTokenRevoked)
      }))

    it.effect("by remedy does not catch other errors, whatever fields they have", () =>
      Effect.gen(function*() {
        const foreign = { _tag: "Foreign", remedy: "retry" } as const
        const error = yield* Effect.fail(foreign).pipe(
          OAuthV2Error.catchRemedy("retry", () => Effect.succeed("caught")),
          Effect.catchAll(Effect.succeed)
        )
        assert.strictEqual(error, foreign)
      }))

    it.effect("as an effect: an error can be yielded", () =>
      Effect.gen(function*() {
        const exit = yield* Effect.exit(new OAuthV2Error.SlackIsBot({ method: "oauth.v2.exchange" }))
        assert.isTrue(Exit.isFailure(exit))
        assert.include(Cause.pretty(Exit.isFailure(exit) ? exit.cause : Cause.empty), "oauth.v2.exchange: is_bot. ")
      }))
  })
})
