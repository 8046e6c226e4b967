/**
 * What clients by other authors send, and Slack accepts.
 */
import { assert, describe, it } from "@effect/vitest"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { call, inMemory } from "./utils/emulator.js"

/** RFC 7636, appendix B. */
const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

const credentials = Effect.map(SlackEmulator.app, ({ clientId, clientSecret }) => ({
  client_id: clientId,
  client_secret: Redacted.value(clientSecret)
}))

const basic = (id: string, secret: string) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` })

describe("oauth.v2.exchange", () => {
  it.effect("takes the long-lived token from the body or from the bearer header", () =>
    Effect.gen(function*() {
      const inBody = Redacted.value(yield* SlackEmulator.issueLegacyToken())
      const first = yield* call("oauth.v2.exchange", { ...(yield* credentials), token: inBody })
      assert.deepInclude(first, { ok: true, token_type: "bot" })

      const inHeader = Redacted.value(yield* SlackEmulator.issueLegacyToken({ person: "U0EMULATED" }))
      const second = yield* call("oauth.v2.exchange", yield* credentials, { authorization: `Bearer ${inHeader}` })
      assert.deepInclude(second, { ok: true, token_type: "user" })
      assert.strictEqual((yield* SlackEmulator.calls).at(-1)?.authentication, "bearer")

      assert.deepStrictEqual(yield* call("oauth.v2.exchange", yield* credentials), {
        ok: false,
        error: "invalid_arguments",
        response_metadata: { messages: ["[ERROR] missing required field: token"] }
      })
    }).pipe(Effect.provide(inMemory())))
})

describe("PKCE", () => {
  it.effect("may come with the client secret, and the verifier is still checked", () =>
    Effect.gen(function*() {
      const redeem = (codeVerifier: string) =>
        Effect.gen(function*() {
          const { code } = yield* SlackEmulator.authorize({ codeChallenge: challenge })
          return yield* call("oauth.v2.access", { ...(yield* credentials), code, code_verifier: codeVerifier })
        })
      const answer = yield* redeem(verifier)
      assert.strictEqual(answer.ok, true)
      const { refresh_token } = answer
      const form = { grant_type: "refresh_token", refresh_token }
      assert.strictEqual((yield* call("oauth.v2.access", { ...(yield* credentials), ...form })).ok, true)
      assert.strictEqual((yield* redeem(`${verifier}x`)).error, "invalid_code_verifier")
    }).pipe(Effect.provide(inMemory({ apps: [{ pkce: true }] }))))
})

describe("HTTP Basic", () => {
  const clientSecret = "emulated+secret%2B100%&more"

  it.effect("may be form-encoded or not", () =>
    Effect.gen(function*() {
      const { clientId } = yield* SlackApp.SlackApp
      for (const sent of [encodeURIComponent(clientSecret), clientSecret]) {
        const { code } = yield* SlackEmulator.authorize()
        assert.strictEqual((yield* call("oauth.v2.access", { code }, basic(clientId, sent))).ok, true, sent)
      }
      const { code } = yield* SlackEmulator.authorize()
      const refused = yield* call("oauth.v2.access", { code }, basic(clientId, encodeURIComponent(`${clientSecret}x`)))
      assert.strictEqual(refused.error, "bad_client_secret")
      const nobody = yield* call("oauth.v2.access", { code }, basic("1.1%2B", clientSecret))
      assert.strictEqual(nobody.error, "invalid_client_id")
    }).pipe(Effect.provide(inMemory({ apps: [{ clientSecret }] }))))

  it.effect("may come with the same client id in the body, and not with the secret", () =>
    Effect.gen(function*() {
      const { client_id, client_secret } = yield* credentials
      const { code } = yield* SlackEmulator.authorize()
      const twice = yield* call("oauth.v2.access", { code, client_id, client_secret }, basic(client_id, client_secret))
      assert.strictEqual(twice.error, "invalid_arguments")
      assert.strictEqual(
        (yield* call("oauth.v2.access", { code, client_id }, basic(client_id, client_secret))).ok,
        true
      )
    }).pipe(Effect.provide(inMemory())))
})

describe("ids of bot users", () => {
  it.effect("have Slack's form whatever the names are, and differ by app and workspace", () =>
    Effect.gen(function*() {
      const apps = yield* SlackEmulator.apps
      const ids: Array<string> = []
      for (const { clientId, clientSecret } of apps) {
        const app = { ...(yield* SlackApp.SlackApp), clientId, clientSecret }
        for (const workspace of ["T-one", "my workspace", "T0é", "T1"]) {
          const { code } = yield* SlackEmulator.authorize({ clientId, workspace })
          const { bot } = yield* OAuthV2.access({ code, app })
          ids.push(...Option.toArray(Option.flatMap(bot, ({ botUserId }) => botUserId)))
        }
      }
      assert.strictEqual(new Set(ids).size, 8)
      for (const id of ids) assert.match(id, /^U[0-9A-Z]{8,}$/)
    }).pipe(Effect.provide(inMemory({
      apps: [{ id: "the app" }, { id: "A1" }],
      workspaces: ["T-one", "my workspace", "T0é", "T1"].map((id) => ({ id }))
    }))))
})
