import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { readFailure } from "../../src/internal/failure.js"
import { makeScrubber } from "../../src/internal/secrets.js"

describe("a scrubber", () => {
  it("masks a secret as it is, and as it is encoded in a URL or a form", () => {
    const secret = "test secret/&ü*"
    const scrub = makeScrubber(() => [secret])
    const forms = [secret, encodeURIComponent(secret), new URLSearchParams({ "": secret }).toString().slice(1)]
    for (const form of forms) assert.strictEqual(scrub(`before ${form} after`), "before <redacted> after")
  })

  it("masks the longer secret first if one contains the other", () => {
    assert.strictEqual(
      makeScrubber(() => ["test", "test-secret"])("a test-secret, a test"),
      "a <redacted>, a <redacted>"
    )
  })

  it("masks everything that looks like a token or a webhook of Slack", () => {
    const scrub = makeScrubber(() => [])
    for (
      const token of [
        "xoxb-test-1",
        "xoxp-1-2-test",
        "xoxe-1-test",
        "xoxe.xoxb-1-test",
        "xoxe.xoxp-1-test",
        "xapp-1-test",
        "xwfp-test",
        "XOXB-TEST"
      ]
    ) {
      assert.strictEqual(scrub(`token=${token}, no`), "token=<redacted>, no")
    }
    assert.strictEqual(
      scrub("see https://hooks.slack.com/services/T0/B0/test and hooks.slack-gov.com%2Fservices%2FT0"),
      "see https://hooks.slack.com/<redacted> and hooks.slack-gov.com%2F<redacted>"
    )
  })

  it("changes nothing else", () => {
    const scrub = makeScrubber(() => ["", "test-secret"])
    const text = "[ERROR] missing required field: token (https://slack.com/help)"
    assert.strictEqual(scrub(text), text)
  })

  it("masks a secret at every position of a message of any length", () => {
    const secret = FastCheck.stringMatching(/^[A-Za-z0-9+/=&_-]{100,600}$/)
    FastCheck.assert(
      FastCheck.property(secret, FastCheck.nat(20), FastCheck.nat(400), (secret, times, offset) => {
        const message = "-".repeat(offset) + secret.repeat(times + 1)
        const { messages } = readFailure({ response_metadata: { messages: [message] } }, makeScrubber(() => [secret]))
        const left = messages.join().replaceAll(/-|<redacted>|<?r?e?d?a?c?t?e?d?>?$/g, "")
        assert.strictEqual(left, "")
      })
    )
  })
})
