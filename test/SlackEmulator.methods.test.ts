/**
 * Methods of the Web API that the options of the emulator add.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/TestClock"
import { call, inMemory, overHttp, send } from "./utils/emulator.js"
import { redeem } from "./utils/installations.js"

const installed = (request?: SlackEmulator.AuthorizeRequest) =>
  Effect.gen(function*() {
    const { bot, user } = yield* redeem(request)
    const tokenOf = (token: Option.Option<{ readonly accessToken: Redacted.Redacted }>) =>
      Option.match(token, { onNone: () => "", onSome: ({ accessToken }) => Redacted.value(accessToken) })
    return { bot: tokenOf(bot), user: tokenOf(user) }
  })

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

for (const [way, live] of [["in memory", inMemory], ["over HTTP", overHttp]] as const) {
  describe(`a method of the options, ${way}`, () => {
    const heard: Array<SlackEmulator.MethodCall> = []
    const options: SlackEmulator.Options = {
      organizations: [{ id: "E0ORG" }],
      workspaces: [{ id: "T0EMULATED" }],
      methods: {
        "chat.postMessage": {
          scopes: ["chat:write"],
          answer: (call) =>
            Effect.sync(() => {
              heard.push(call)
              return { channel: call.parameters.channel, ts: "1.2" }
            })
        },
        "views.open": () => Effect.succeed({ ok: false, error: "exchanged_trigger_id", detail: "a second time" }),
        "api.test": { answer: { args: {} } }
      }
    }

    it.effect("gets the call after the token was checked, and ok is added to its answer", () =>
      Effect.gen(function*() {
        heard.splice(0)
        const { bot, user } = yield* installed({ scopes: ["chat:write", "commands"], userScopes: ["chat:write"] })
        const { headers, json } = yield* send("POST", "/api/chat.postMessage", { channel: "C1" }, bearer(bot))
        assert.deepStrictEqual(json, { ok: true, channel: "C1", ts: "1.2" })
        assert.strictEqual(headers["x-oauth-scopes"], "chat:write,commands")
        yield* call("chat.postMessage", { channel: "C2", token: user })
        yield* send("POST", "/api/chat.postMessage", {
          type: "application/json; charset=utf-8",
          text: JSON.stringify({ channel: "C3", blocks: [{ type: "divider" }] })
        }, bearer(bot))

        const installation = Installation.workspace("A0EMULATED", "T0EMULATED")
        const method = "chat.postMessage"
        const scopes = ["chat:write", "commands"]
        assert.deepStrictEqual(heard, [
          { method, installation, subject: "bot", scopes, parameters: { channel: "C1" } },
          { method, installation, subject: "U0EMULATED", scopes: ["chat:write"], parameters: { channel: "C2" } },
          { method, installation, subject: "bot", scopes, parameters: { channel: "C3", blocks: [{ type: "divider" }] } }
        ])
        assert.deepStrictEqual(yield* call("api.test", {}, bearer(bot)), { ok: true, args: {} })
        const inOrganization = yield* installed({ organization: "E0ORG" })
        yield* call("chat.postMessage", {}, bearer(inOrganization.bot))
        assert.deepStrictEqual(heard.at(-1)?.installation, Installation.organization("A0EMULATED", "E0ORG"))
      }).pipe(Effect.provide(live(options))))

    it.effect("is not asked if the token does not work", () =>
      Effect.gen(function*() {
        heard.splice(0)
        const post = (token?: string) =>
          Effect.map(call("chat.postMessage", { channel: "C1" }, token === undefined ? {} : bearer(token)), (body) =>
            body.error)
        const { bot } = yield* installed({ scopes: ["chat:write"] })
        assert.strictEqual(yield* post(), "not_authed")
        assert.strictEqual(yield* post("xoxb-test-nobody"), "invalid_auth")
        yield* TestClock.adjust("12 hours")
        assert.strictEqual(yield* post(bot), "token_expired")
        const second = yield* installed({ scopes: ["chat:write"] })
        yield* SlackEmulator.revoke(second.bot)
        assert.strictEqual(yield* post(second.bot), "token_revoked")
        yield* SlackEmulator.uninstall()
        assert.strictEqual(yield* post(second.bot), "token_revoked")
        const third = yield* installed({ scopes: ["commands"] })
        assert.deepStrictEqual(yield* call("chat.postMessage", {}, bearer(third.bot)), {
          ok: false,
          error: "missing_scope",
          needed: "chat:write",
          provided: "commands"
        })
        yield* SlackEmulator.deactivate("T0EMULATED")
        assert.strictEqual(yield* post(third.bot), "account_inactive")
        assert.deepStrictEqual(heard, [])
      }).pipe(Effect.provide(live(options))))

    it.effect("may answer with an error, and every other method is unknown to a token that works", () =>
      Effect.gen(function*() {
        const { bot } = yield* installed()
        assert.deepStrictEqual(yield* call("views.open", {}, bearer(bot)), {
          ok: false,
          error: "exchanged_trigger_id",
          detail: "a second time"
        })
        assert.deepStrictEqual(yield* call("users.list", {}, bearer(bot)), {
          ok: false,
          error: "unknown_method",
          req_method: "users.list"
        })
        assert.strictEqual((yield* call("users.list", {})).error, "not_authed")
      }).pipe(Effect.provide(live(options))))

    it.effect("is in the history without its token, and can fail on demand", () =>
      Effect.gen(function*() {
        const { bot } = yield* installed()
        yield* SlackEmulator.inject({ method: "chat.postMessage", fault: SlackEmulator.rateLimited() })
        assert.strictEqual((yield* send("POST", "/api/chat.postMessage", {}, bearer(bot))).status, 429)
        yield* call("chat.postMessage", { channel: "C1", token: bot, text: `do not tell ${bot}` })
        const [, limited, posted] = yield* SlackEmulator.calls
        assert.deepStrictEqual([limited?.result, limited?.fault], ["not run", "HTTP 429"])
        assert.strictEqual(posted?.result, "ok")
        assert.deepStrictEqual(posted?.parameters, {
          channel: "C1",
          token: "<access token of bot chain 1 (A0EMULATED in T0EMULATED) generation 1>",
          text: "do not tell <redacted>"
        })
        assert.include(yield* SlackEmulator.timeline, "chat.postMessage channel=C1")
      }).pipe(Effect.provide(live(options))))
  })
}

describe("methods of the options", () => {
  it.effect("cannot replace the emulator's own", () =>
    Effect.gen(function*() {
      const exit = yield* Effect.exit(Effect.provide(
        SlackEmulator.app,
        SlackEmulator.layer({ methods: { "auth.test": {} } })
      ))
      assert.include(Exit.isFailure(exit) ? Cause.pretty(exit.cause) : "", "methods cannot have auth.test")
    }))

  it.effect("are recorded also if the handler dies", () =>
    Effect.gen(function*() {
      const { bot } = yield* installed()
      assert.isTrue(Exit.isFailure(yield* Effect.exit(call("chat.update", {}, bearer(bot)))))
      assert.strictEqual((yield* SlackEmulator.calls).at(-1)?.result, "the handler did not answer")
    }).pipe(Effect.provide(inMemory({ methods: { "chat.update": () => Effect.dieMessage("a bug") } }))))
})
