/**
 * Hostile requests to a callback, byte for byte over real sockets. The server has a pending install with a valid code and
 * state. No hostile request may get a success or a 5xx, see its input reflected, or change that install.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as HttpLayerRouter from "@effect/platform/HttpLayerRouter"
import { assert, describe, it } from "@effect/vitest"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as InstallRouter from "effect-slack-oauth/InstallRouter"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import * as Net from "node:net"
import { address } from "../src/internal/effect/servers.js"
import { randomToken } from "../src/internal/random.js"
import { makeBrowser, origin, world } from "./utils/flowInBrowser.js"

// -------------------------------------------------------------------------------------
// the cases
// -------------------------------------------------------------------------------------

/** Placeholders for the valid code and state in a case. */
interface Good {
  readonly code: string
  readonly state: string
  readonly cookie: string
}

interface Case {
  readonly name: string
  /** The request from its path on, as it is sent. */
  readonly target: (good: Good) => string
  /** Header lines; by default the browser's cookies. */
  readonly headers?: (good: Good) => ReadonlyArray<string>
  readonly method?: string
}

const path = "/slack/oauth_redirect"

const query = (name: string, text: string | ((good: Good) => string)): Case => ({
  name,
  target: (good) => `${path}?${typeof text === "string" ? text : text(good)}`
})

const payloads: Readonly<Record<string, string>> = {
  script: "<script>alert(1)</script>",
  image: `"><img src=x onerror=alert(1)>`,
  attribute: `' onmouseover='alert(1)`,
  "closing tags": "</title></style></p><svg/onload=alert(1)>",
  "javascript address": "javascript:alert(1)//",
  template: "{{7*7}}${7*7}<%= 7*7 %>",
  "SQL": "'; DROP TABLE slack_oauth_pending_installs; --",
  shell: "$(id)`id`;id|id",
  "way up": "../../../../etc/passwd",
  "way up on Windows": "..\\..\\windows\\win.ini",
  "new line and header": "x\r\nSet-Cookie: evil=1\r\n\r\n<script>",
  "line feed": "x\nLocation: https://evil.test",
  "null byte": "x\0y",
  "byte order mark": "\ufeffx",
  "right to left": "\u202egnp.exe",
  "line separator": "x\u2028y",
  emoji: "💥",
  "other address": "https://evil.test/",
  "address without scheme": "//evil.test",
  "JSON": `{"$ne":null}`,
  prototype: "__proto__[x]",
  comment: "<!--#exec cmd=id -->",
  entity: "&lt;script&gt;alert(1)"
}

const upperHex = (text: string) =>
  Array.from(Buffer.from(text), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`).join("")

const injected = Object.entries(payloads).flatMap(([name, payload]): ReadonlyArray<Case> => {
  const encoded = encodeURIComponent(payload)
  return [
    query(`${name} as code`, (good) => `code=${encoded}&state=${good.state}`),
    query(`${name} as code, every byte encoded`, (good) => `state=${good.state}&code=${upperHex(payload)}`),
    query(`${name} as state`, (good) => `code=${good.code}&state=${encoded}`),
    query(`${name} as error`, (good) => `error=${encoded}&state=${good.state}`),
    query(`${name} as error_description`, `error=access_denied&error_description=${encoded}`),
    query(`${name} as another parameter`, `${encoded}=${encoded}&x=${encoded}`)
  ]
})

const missing = [
  "",
  "&",
  "=",
  "&&&&",
  "?",
  "code",
  "code=",
  "state=",
  "code=&state=",
  "=code",
  "%00",
  "+",
  "error=",
  "error",
  "x"
].map((text) => query(`nothing but ${JSON.stringify(text)}`, text)).concat(
  ["code=", "code", "", "Code=x", "CODE=x", "code[]=x", "code%00=x", "+code=x", "c%6Fde%20=x", "code.=x", "c=o&d=e"]
    .map((text) => query(`the good state with ${JSON.stringify(text)}`, (good) => `${text}&state=${good.state}`))
)

const repeated = ["code", "c%6Fde", "%63%6f%64%65"].flatMap((name) => [
  query(`the code twice, once as ${name}`, (good) => `code=${good.code}&state=${good.state}&${name}=${good.code}`),
  query(`another code after it, as ${name}`, (good) => `code=${good.code}&state=${good.state}&${name}=other`),
  query(`another code before it, as ${name}`, (good) => `${name}=other&code=${good.code}&state=${good.state}`),
  query(`an empty code after it, as ${name}`, (good) => `code=${good.code}&state=${good.state}&${name}=`)
]).concat(["state", "st%61te"].flatMap((name) => [
  query(`the state twice, once as ${name}`, (good) => `code=${good.code}&state=${good.state}&${name}=${good.state}`),
  query(`another state, as ${name}`, (good) => `code=${good.code}&state=${good.state}&${name}=${randomToken()}`),
  query(`an empty state, as ${name}`, (good) => `code=${good.code}&${name}=&state=${good.state}`)
])).concat([
  query("the error twice", "error=access_denied&error=access_denied"),
  query("the description twice", "error=access_denied&error_description=a&error_description=b"),
  query("code and error", (good) => `code=${good.code}&state=${good.state}&error=access_denied`),
  query("code and an empty error", (good) => `code=${good.code}&state=${good.state}&error=`)
])

const oversized = [1025, 2000, 4000, 10_000].flatMap((length) => [
  query(`a code of ${length} characters`, (good) => `code=${"a".repeat(length)}&state=${good.state}`),
  query(`a state of ${length} characters`, (good) => `code=${good.code}&state=${"a".repeat(length)}`),
  query(`an error of ${length} characters`, `error=${"a".repeat(length)}`)
]).concat([5000, 1_000_000].flatMap((length) => [
  query(
    `the good ones and ${length} characters`,
    (good) => `code=${good.code}&state=${good.state}&x=${"a".repeat(length)}`
  ),
  query(`a name of ${length} characters`, (good) => `${"a".repeat(length)}&code=${good.code}&state=${good.state}`),
  query(`${length / 2} parameters`, (good) => `${"a&".repeat(length / 2)}code=${good.code}&state=${good.state}`)
]))

const misencoded = [
  "%",
  "%z",
  "%zz",
  "%e0%a4",
  "%c0%ae",
  "%c0%80",
  "%ff",
  "%fe%ff",
  "%ed%a0%80",
  "%f5%80%80%80",
  "%u0041"
]
  .flatMap((text) => [
    query(`${text} in the code`, (good) => `code=${good.code}${text}&state=${good.state}`),
    query(`${text} in the state`, (good) => `code=${good.code}&state=${good.state}${text}`),
    query(`${text} as error`, (good) => `error=${text}&state=${good.state}`)
  ])

const states = [
  query("a state that nobody was given", (good) => `code=${good.code}&state=${randomToken()}`),
  query("the state without its last character", (good) => `code=${good.code}&state=${good.state.slice(0, -1)}`),
  query("the state with one more", (good) => `code=${good.code}&state=${good.state}A`),
  query("the state in lower case", (good) => `code=${good.code}&state=${good.state.toLowerCase()}A`.slice(0, -1)),
  query("the state with a space", (good) => `code=${good.code}&state=${good.state}%20`),
  query("the state padded", (good) => `code=${good.code}&state=${good.state}%3D`),
  query("the state's cookie as state", (good) => `code=${good.code}&state=${/=([\w-]{43})\./.exec(good.cookie)?.[1]}`),
  query("a state of nulls", (good) => `code=${good.code}&state=${"%00".repeat(43)}`)
]

const withHeaders = (name: string, headers: (good: Good) => ReadonlyArray<string>): Case => ({
  name,
  target: (good) => `${path}?code=${good.code}&state=${good.state}`,
  headers
})

const cookieName = (good: Good) => good.cookie.split("=")[0] ?? ""

const headers = [
  withHeaders("no cookie", () => []),
  withHeaders("an empty cookie", () => ["Cookie: "]),
  withHeaders("the cookie's name alone", (good) => [`Cookie: ${cookieName(good)}`]),
  withHeaders("the cookie without a value", (good) => [`Cookie: ${cookieName(good)}=`]),
  withHeaders("the state as cookie", (good) => [`Cookie: ${cookieName(good)}=${good.state}`]),
  withHeaders("the cookie of another state", (good) => [`Cookie: ${cookieName(good)}=${randomToken()}.zzzzzz.`]),
  withHeaders("another's cookie first", (good) => [
    `Cookie: ${cookieName(good)}=${randomToken()}.zzzzzz.; ${good.cookie}`
  ]),
  withHeaders("the cookie without its prefix", (good) => [`Cookie: ${good.cookie.replace("__Host-", "")}`]),
  withHeaders("the cookie in lower case", (good) => [`Cookie: ${good.cookie.toLowerCase()}`]),
  withHeaders("the cookie cut", (good) => [`Cookie: ${good.cookie.slice(0, -12)}`]),
  withHeaders("a cookie of 100 kB", (good) => [`Cookie: ${"x".repeat(100_000)}; ${good.cookie}`]),
  withHeaders("script as cookie", (good) => [`Cookie: ${cookieName(good)}=<script>alert(1)</script>`]),
  // Bytes that JavaScript treats as white space and browsers keep. A subdomain may set a cookie that begins with one.
  ...[0x0b, 0x0c, 0x85, 0xa0].flatMap((byte) => {
    const [character, name] = [String.fromCharCode(byte), `the byte 0x${byte.toString(16)}`]
    return [
      withHeaders(`${name} before the cookie's name`, (good) => [`Cookie: ${character}${good.cookie}`]),
      withHeaders(
        `${name} before its name, after another cookie`,
        (good) => [`Cookie: a=b;${character}${good.cookie}`]
      ),
      withHeaders(`${name} after its name`, (good) => [`Cookie: ${good.cookie.replace("=", `${character}=`)}`]),
      withHeaders(`${name} before its value`, (good) => [`Cookie: ${good.cookie.replace("=", `=${character}`)}`]),
      withHeaders(`${name} after its value`, (good) => [`Cookie: ${good.cookie}${character}`])
    ]
  }),
  withHeaders("the cookie in another header", (good) => [`X-Cookie: ${good.cookie}`, `Authorization: ${good.cookie}`]),
  withHeaders("a prefetch", (good) => [`Cookie: ${good.cookie}`, "Sec-Purpose: prefetch"]),
  withHeaders("a prerender", (good) => [`Cookie: ${good.cookie}`, "Sec-Purpose: prefetch;prerender"]),
  withHeaders("a prefetch of old", (good) => [`Cookie: ${good.cookie}`, "X-Moz: prefetch"]),
  withHeaders("a null byte in a header", (good) => [`Cookie: ${good.cookie}`, "X-A: a\0b"]),
  withHeaders("a header without a name", (good) => [`Cookie: ${good.cookie}`, ": x"]),
  withHeaders("another host and no cookie", () => ["X-Forwarded-Host: evil.test", "X-Original-URL: /admin"])
]

const requests: ReadonlyArray<Case> = [
  ...["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FOO"].map((method): Case => ({
    name: `the method ${method}`,
    method,
    target: (good) => `${path}?code=${good.code}&state=${good.state}`
  })),
  ...[
    `${path}/`,
    `${path}/../oauth_redirect`,
    `/slack/%6fauth_redirect%2f`,
    `${path};x`,
    `${path}%00`,
    `/%2e%2e${path}`
  ]
    .map((target): Case => ({
      name: `the path ${target}`,
      target: (good) => `${target}?code=${good.code}&state=${randomToken()}&x=${good.state}`
    })),
  { name: "raw angle brackets", target: () => `${path}?code=<script>&state="><script>` },
  { name: "raw bytes", target: () => `${path}?code=\u00ff\u00fe&state=\u00e4` },
  { name: "a space in the middle", target: (good) => `${path}?code=${good.code} &state=${good.state}` },
  { name: "a line end in the middle", target: (good) => `${path}?code=x\r\nX-Evil: 1\r\n&state=${good.state}` },
  { name: "an absolute address", target: () => `http://evil.test${path}?code=x&state=${randomToken()}` }
]

const cases = [...missing, ...repeated, ...oversized, ...misencoded, ...states, ...injected, ...headers, ...requests]

// -------------------------------------------------------------------------------------
// sending and judging
// -------------------------------------------------------------------------------------

interface Received {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Writes bytes to a socket, and reads until the server closes it. */
const send = (port: number, request: string): Promise<Received> =>
  new Promise((resolve, reject) => {
    const socket = Net.connect(port, "127.0.0.1")
    let received = ""
    const done = () => {
      const end = received.indexOf("\r\n\r\n")
      resolve({
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0),
        head: received.slice(0, end),
        body: received.slice(end + 4)
      })
    }
    socket.setEncoding("latin1")
    socket.on("data", (chunk: string) => {
      received += chunk
    })
    socket.on("close", done)
    // A server may close the connection while a large request is still being written.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE" && error.code !== "ECONNRESET") reject(error)
    })
    socket.write(Buffer.from(request, "latin1"))
  })

const markup =
  /<script|<img|<svg|onerror=|onload=|onmouseover=|javascript:|evil|passwd|win\.ini|DROP TABLE|7\*7|\$ne|__proto__/i

/** What is wrong with an answer to a hostile request. */
const problems = ({ body, head, status }: Received, good: Good): ReadonlyArray<string> => {
  const found: Array<string> = []
  if (status < 400 || status > 499) found.push(`status ${status}`)
  if (/set-cookie: evil|location:|x-evil/i.test(head)) found.push(`a header was injected: ${head}`)
  const reflected = markup.exec(body.replace(/<style>[^]*?<\/style>/, ""))
  if (reflected !== null) found.push(`the body has ${reflected[0]}`)
  for (const secret of [good.code, good.state]) if ((head + body).includes(secret)) found.push("code or state is shown")
  // Node and the router refuse some requests before the flow gets them. Those answers have no body.
  const ours = body.includes("<!doctype html>")
  if (!ours && body.replace(/^0\r\n\r\n$/, "") !== "" && status !== 405) {
    found.push(`not our page: ${body.slice(0, 80)}`)
  }
  if (ours && !/content-security-policy: default-src 'none'/i.test(head)) found.push("no Content-Security-Policy")
  if (ours && !/cache-control: no-store/i.test(head)) found.push("may be cached")
  if (ours && !/content-type: text\/html; charset=utf-8/i.test(head)) found.push("no charset")
  if (ours && !/x-content-type-options: nosniff/i.test(head)) found.push("may be sniffed")
  return found
}

const Live = HttpLayerRouter.serve(InstallRouter.layerRoutes, { disableListenLog: true }).pipe(
  Layer.provideMerge(InstallFlow.layer({
    publicUrl: origin,
    botScopes: ["chat:write"],
    withoutState: "reject",
    onInstalled: () => Effect.void
  })),
  Layer.provideMerge(world()),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

describe("hostile callbacks", () => {
  it("are at least 200, each of its own kind", () => {
    assert.isAtLeast(cases.length, 200)
    assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
  })

  it.effect("over a socket get a safe 4xx, and use up neither the code nor the state", () =>
    Effect.gen(function*() {
      const port = (yield* address)?.port ?? 0
      const flow = yield* InstallFlow.InstallFlow
      const browser = makeBrowser(flow.handle)
      const { code, url } = yield* SlackEmulator.authorize({ url: yield* browser.begin() })
      const [cookie = ""] = Array.from(browser.jar, ([name, value]) => `${name}=${value}`)
      const good: Good = { code, state: new URL(url).searchParams.get("state") ?? "", cookie }

      const wrong: Array<string> = []
      for (const { headers, method = "GET", name, target } of cases) {
        const lines = headers?.(good) ?? [`Cookie: ${cookie}`]
        const request = [`${method} ${target(good)} HTTP/1.1`, "Host: evil.test", "Connection: close", ...lines, "", ""]
        const received = yield* Effect.promise(() => send(port, request.join("\r\n")))
        wrong.push(...problems(received, good).map((problem) => `${name}: ${problem}`))
      }
      assert.deepStrictEqual(wrong, [])
      assert.deepStrictEqual((yield* SlackEmulator.calls).map(({ method }) => method), [])

      const finished = yield* Effect.promise(() =>
        send(
          port,
          [`GET ${url.slice(origin.length)} HTTP/1.1`, "Host: x", "Connection: close", `Cookie: ${cookie}`, "", ""]
            .join("\r\n")
        )
      )
      assert.strictEqual(finished.status, 303, "the install that was under way succeeds")
    }).pipe(Effect.provide(Live)), 60_000)

  it.effect(
    "through the web handler get the same, also those that Node refuses itself",
    () =>
      Effect.gen(function*() {
        const flow = yield* InstallFlow.InstallFlow
        const browser = makeBrowser(flow.handle)
        const { code, url } = yield* SlackEmulator.authorize({ url: yield* browser.begin() })
        const [cookie = ""] = Array.from(browser.jar, ([name, value]) => `${name}=${value}`)
        const good: Good = { code, state: new URL(url).searchParams.get("state") ?? "", cookie }

        const wrong: Array<string> = []
        for (const { headers, method, name, target } of cases) {
          if (headers !== undefined || method !== undefined) continue
          const response = yield* flow.callback(browser.request(new URL(target(good), origin).href))
          const head = Array.from(response.headers, ([name, value]) => `${name}: ${value}`).join("\r\n")
          const received = { status: response.status, head, body: yield* Effect.promise(() => response.text()) }
          wrong.push(...problems(received, good).map((problem) => `${name}: ${problem}`))
        }
        assert.deepStrictEqual(wrong, [])
        assert.deepStrictEqual((yield* SlackEmulator.calls).map(({ method }) => method), [])
        assert.strictEqual((yield* browser.get(url)).status, 303)
      }).pipe(Effect.provide(Live)),
    60_000
  )
})
