import { assert, describe, it } from "@effect/vitest"
import { classify } from "../../src/internal/transport.js"

const failure = (fields: object) => Object.assign(new Error("no"), fields)

describe("transport", () => {
  it("a failure before the request can be written has sent nothing", () => {
    for (
      const code of [
        "ENOTFOUND",
        "EAI_AGAIN",
        "ECONNREFUSED",
        "ConnectionRefused",
        "UND_ERR_CONNECT_TIMEOUT",
        "CERT_HAS_EXPIRED",
        "DEPTH_ZERO_SELF_SIGNED_CERT",
        "ERR_TLS_CERT_ALTNAME_INVALID"
      ]
    ) {
      assert.deepStrictEqual(classify(failure({ code })), { sent: false, reason: code })
    }
  })

  it("so has whatever fails while connecting or while looking up the name", () => {
    assert.isFalse(classify(failure({ code: "ETIMEDOUT", syscall: "connect" })).sent)
    assert.isFalse(classify(failure({ code: "EHOSTUNREACH", syscall: "connect" })).sent)
    assert.isFalse(classify(failure({ code: "ESERVFAIL", syscall: "getaddrinfo" })).sent)
  })

  it("anything else may have been sent", () => {
    for (const code of ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT", "ERR_SSL_SOMETHING"]) {
      assert.deepStrictEqual(classify(failure({ code })), { sent: true, reason: code })
    }
    assert.isTrue(classify(failure({ code: "ETIMEDOUT", syscall: "read" })).sent)
    for (const nothing of [undefined, null, "ECONNREFUSED", new Error("ECONNREFUSED"), { code: 7 }, {}]) {
      assert.deepStrictEqual(classify(nothing), { sent: true, reason: undefined })
    }
  })

  it("is found where fetch hides it", () => {
    const cause = failure({ cause: failure({ code: "ECONNREFUSED" }) })
    assert.deepStrictEqual(classify(new TypeError("fetch failed", { cause })), { sent: false, reason: "ECONNREFUSED" })
  })

  it("a connection that was tried in two ways has sent nothing only if neither has", () => {
    const refused = failure({ code: "ECONNREFUSED" })
    const reset = failure({ code: "ECONNRESET" })
    assert.deepStrictEqual(classify(failure({ code: "ECONNREFUSED", errors: [refused, refused] })), {
      sent: false,
      reason: "ECONNREFUSED"
    })
    assert.isTrue(classify(failure({ code: "ECONNREFUSED", errors: [refused, reset] })).sent)
    assert.deepStrictEqual(classify({ errors: [refused] }), { sent: false, reason: "ECONNREFUSED" })
  })

  it("comes to an end, and takes no text for a code", () => {
    const endless: { cause?: unknown } = {}
    endless.cause = endless
    assert.deepStrictEqual(classify(endless), { sent: true, reason: undefined })
    assert.deepStrictEqual(classify({ code: "a sentence with a test-secret" }), { sent: true, reason: undefined })
  })
})
