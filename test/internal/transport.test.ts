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
        "ERR_TLS_CERT_ALTNAME_INVALID",
        "SELF_SIGNED_CERT_IN_CHAIN",
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
        "CERT_REVOKED"
      ]
    ) {
      assert.deepStrictEqual(classify(failure({ code })), { sent: false, reason: code })
    }
  })

  it("nothing was sent if connecting failed, or looking up the name", () => {
    assert.isFalse(classify(failure({ code: "ETIMEDOUT", syscall: "connect" })).sent)
    assert.isFalse(classify(failure({ code: "EHOSTUNREACH", syscall: "connect" })).sent)
    assert.isFalse(classify(failure({ code: "ESERVFAIL", syscall: "getaddrinfo" })).sent)
  })

  it("a TLS handshake that failed has sent nothing, as each client reports it", () => {
    // `https` of Node, with undici's `fetch` below
    assert.isFalse(classify(failure({ code: "EPROTO", syscall: "write" })).sent)
    assert.isFalse(classify(failure({ code: "EPROTO" })).sent)
    const ended = "Client network socket disconnected before secure TLS connection was established"
    assert.isFalse(classify(Object.assign(new Error(ended), { code: "ECONNRESET" })).sent)
    for (
      const code of [
        "ERR_SSL_WRONG_VERSION_NUMBER",
        "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
        "ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE",
        "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE"
      ]
    ) {
      const cause = new TypeError("fetch failed", { cause: failure({ code }) })
      assert.deepStrictEqual(classify(cause), { sent: false, reason: code })
    }
  })

  it("a TLS failure under OpenSSL's own code outside of fetch may come after sending", () => {
    for (
      const code of [
        "ERR_SSL_WRONG_VERSION_NUMBER",
        "ERR_SSL_BAD_RECORD_TYPE",
        "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC",
        "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED"
      ]
    ) {
      assert.deepStrictEqual(classify(failure({ code })), { sent: true, reason: code })
      assert.isTrue(classify(new Error("a wrapper", { cause: failure({ code }) })).sent)
    }
    assert.isTrue(classify(failure({ code: "EPROTO", syscall: "read" })).sent)
  })

  it("a proxy that refuses to connect to Slack has sent nothing, and any other abort may have", () => {
    const refused = (status: number) =>
      new TypeError("fetch failed", {
        cause: Object.assign(
          new Error("Request was cancelled.", {
            cause: Object.assign(new Error(`Proxy response (${status}) !== 200 when HTTP Tunneling`), {
              code: "UND_ERR_ABORTED"
            })
          }),
          { code: 0 }
        )
      })
    for (const status of [403, 407, 502]) {
      assert.deepStrictEqual(classify(refused(status)), { sent: false, reason: "UND_ERR_ABORTED" })
    }
    assert.isTrue(classify(failure({ code: "UND_ERR_ABORTED" })).sent)
  })

  it("Deno's texts say which step failed: only connecting comes before sending", () => {
    const deno = (text: string) => new TypeError("fetch failed", { cause: new Error(text) })
    const url = "error sending request for url (https://slack.com/api/oauth.v2.access)"
    for (
      const why of [
        "tcp connect error: Connection refused (os error 111)",
        "dns error: failed to lookup address information: Name or service not known",
        "received corrupt message of type InvalidContentType",
        "invalid peer certificate: UnknownIssuer",
        "tls handshake eof"
      ]
    ) {
      const cause = deno(`${url}: client error (Connect): ${why}`)
      assert.deepStrictEqual(classify(cause), { sent: false, reason: "Connect" })
    }
    const from = "error sending request from 127.0.0.1:50084 for https://slack.com/ (127.0.0.1:43729)"
    const lost = deno(`${from}: client error (SendRequest): connection closed before message completed`)
    assert.deepStrictEqual(classify(lost), { sent: true, reason: "SendRequest" })
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
