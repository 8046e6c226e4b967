/**
 * Whether a request that got no answer can have arrived. The question decides if a single-use grant may be sent
 * again, so only what certainly failed before the first byte counts as not sent.
 *
 * Measured over loopback on Node 20, 22 and 24. A failed TLS handshake is `EPROTO` under `node:https`, and OpenSSL's
 * `ERR_SSL_*` under `fetch`. A TLS stream that breaks after the request has OpenSSL's code under `node:https`, and ends in a
 * timeout under `fetch`. `EPROTO` was never seen after the request was sent, even with 20 MB still to write. A connection
 * that ends during the handshake (`ECONNRESET`), and a proxy that refuses to connect to Slack (`UND_ERR_ABORTED`), are known
 * by their texts. Under TLS 1.3 a server that wants a client certificate refuses after the request.
 */
import { get } from "./unknown.js"

/** Codes of failures that come before the request can be written: connecting, and certificates that are refused. */
const codesBeforeSending =
  /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|(ERR_TLS_)?CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/**
 * Texts of such failures, where the code alone is not enough: Node's, for a connection that ended during the TLS handshake, and
 * undici's, for a proxy that refused to connect to Slack.
 */
const textsBeforeSending = /(before secure TLS connection was established|200 when HTTP Tunneling)$/

export interface TransportFailure {
  readonly sent: boolean
  readonly reason: string | undefined
}

const codeOf = (value: unknown): string | undefined => {
  const code = get(value, "code")
  // OpenSSL writes ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE.
  return typeof code === "string" && /^[\w/]{1,64}$/.test(code) ? code : undefined
}

const messageOf = (value: unknown): string => String(get(value, "message"))

/**
 * Whether a failure with a code came before sending. Node's `https` reports a failed handshake as `EPROTO` of a write,
 * and a TLS failure after the request under OpenSSL's own code. `fetch` has OpenSSL's code for a failed handshake alone.
 */
const isBeforeSending = (cause: unknown, code: string, inFetch: boolean): boolean => {
  const syscall = String(get(cause, "syscall"))
  return codesBeforeSending.test(code) || /^(connect|getaddrinfo)$/.test(syscall) ||
    (code === "EPROTO" && syscall !== "read") || (inFetch && code.startsWith("ERR_SSL_")) ||
    textsBeforeSending.test(messageOf(cause))
}

/** Walks `cause` and `errors` down to the failure of the socket: fetch hides it one level deep, dual-stack connects in a list. */
export const classify = (cause: unknown, depth = 0, inFetch = false): TransportFailure => {
  if (depth > 8) return { sent: true, reason: undefined }
  const errors = get(cause, "errors")
  if (Array.isArray(errors) && errors.length > 0) {
    const each = errors.map((error) => classify(error, depth + 1, inFetch))
    return { sent: each.some(({ sent }) => sent), reason: codeOf(cause) ?? each[0].reason }
  }
  const code = codeOf(cause)
  if (code !== undefined) return { sent: !isBeforeSending(cause, code, inFetch), reason: code }
  // Deno has no codes. Its texts name the step that failed.
  const step = /: client error \((\w{1,40})\)/.exec(messageOf(cause))?.[1]
  if (step !== undefined) return { sent: step !== "Connect", reason: step }
  const inner = get(cause, "cause")
  return inner === undefined
    ? { sent: true, reason: undefined }
    : classify(inner, depth + 1, inFetch || messageOf(cause) === "fetch failed")
}

/**
 * Deno sends a POST again by itself when a connection that was kept alive closes, and so spends the grant twice. A
 * connection that is closed after the answer is not used again.
 */
export const connectionHeader = (): Record<string, string> => "Deno" in globalThis ? { connection: "close" } : {}
