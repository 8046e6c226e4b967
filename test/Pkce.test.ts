import { assert, describe, it } from "@effect/vitest"
import * as Pkce from "effect-slack-oauth/Pkce"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import { inspect } from "node:util"

const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"

describe("Pkce", () => {
  it.effect("gives the challenge of RFC 7636, appendix B", () =>
    Effect.gen(function*() {
      const pkce = yield* Pkce.fromVerifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
      assert.strictEqual(pkce.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }))

  it.effect("gives the challenge of the example on Slack's page", () =>
    Effect.gen(function*() {
      const challenge = yield* Pkce.challenge(Redacted.make("secretpassword"))
      assert.strictEqual(challenge, "ldMBaaWcQYtSATMV_IG8mf3wp7A6EW80arYoSW80ntU")
    }))

  it.effect("makes a new verifier of 43 allowed characters each time", () =>
    Effect.gen(function*() {
      const drawn = yield* Effect.replicateEffect(Pkce.make, 200)
      for (const { challenge, verifier } of drawn) {
        assert.match(Redacted.value(verifier), /^[\w-]{43}$/)
        assert.strictEqual(challenge, createHash("sha256").update(Redacted.value(verifier)).digest("base64url"))
      }
      assert.strictEqual(new Set(drawn.map(({ verifier }) => Redacted.value(verifier))).size, 200)
    }))

  it.effect("accepts every verifier that RFC 7636 allows", () =>
    Effect.promise(() =>
      FastCheck.assert(FastCheck.asyncProperty(
        FastCheck.stringOf(FastCheck.constantFrom(...unreserved), { minLength: 43, maxLength: 128 }),
        async (verifier) => {
          const pkce = await Effect.runPromise(Pkce.fromVerifier(Redacted.make(verifier)))
          assert.strictEqual(pkce.challenge, createHash("sha256").update(verifier).digest("base64url"))
        }
      ))
    ))

  it.effect("refuses others, and does not show them", () =>
    Effect.gen(function*() {
      for (const verifier of ["", "short", "a".repeat(42), "a".repeat(129), `${"a".repeat(43)}+`, "ä".repeat(50)]) {
        const error = yield* Effect.flip(Pkce.fromVerifier(verifier))
        assert.strictEqual(error._tag, "PkceInvalidVerifier")
        assert.strictEqual(error.length, verifier.length)
        assert.notInclude(error.message, verifier === "" ? "\0" : verifier)
      }
    }))

  it.effect("does not print the verifier", () =>
    Effect.gen(function*() {
      const pkce = yield* Pkce.make
      assert.notInclude(inspect(pkce) + JSON.stringify(pkce), Redacted.value(pkce.verifier))
    }))
})
