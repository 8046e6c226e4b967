/** The addresses of the app's own server, as browsers and Slack reach them. */
import { parseUrl } from "../../src/internal/parseUrl.js"
import { error, type Finding, firstOf, ok, skipped, warning } from "./finding.js"

/** An answer of the server, or why there is none. */
export type Reply =
  | {
    readonly _tag: "Reply"
    readonly status: number
    /** In lower case. */
    readonly headers: Readonly<Record<string, string>>
    readonly cookies: ReadonlyArray<string>
    readonly body: string
  }
  | { readonly _tag: "NoReply"; readonly code: string }

type Answered = Extract<Reply, { readonly _tag: "Reply" }>

/** Why a connection failed, by its code. */
const connections: ReadonlyArray<readonly [pattern: RegExp, what: string, todo: string]> = [
  [/^(ENOTFOUND|EAI_AGAIN)$/, "its host does not exist", "Check the spelling of --public-url, and its DNS record."],
  [/^ECONNREFUSED$/, "nothing listens there", "Start the server, and the tunnel or proxy in front of it."],
  [
    /CERT|SSL|TLS|SELF_SIGNED|UNABLE_TO/,
    "its certificate is not trusted",
    "Use a certificate of a public authority, with its chain."
  ],
  [
    /TIMEDOUT|TIMEOUT/,
    "it did not answer in time",
    "Check the firewall, and that the server answers within three seconds."
  ],
  [/./, "the connection failed", "Check that the server, and the tunnel or proxy in front of it, run."]
]

const unreachable = (id: string, url: string, code: string): Finding => {
  const [, what, todo] = connections.find(([pattern]) => pattern.test(code)) ?? ["", "the connection failed", ""]
  return error(id, `${url} cannot be reached: ${what} (${code}).`, todo)
}

/** The finding if a proxy or a firewall seems to have answered, and `undefined` if the app seems to. */
const onTheWay = (id: string, url: string, { headers, status }: Answered): Finding | undefined => {
  if (status === 404) {
    return error(
      id,
      `${url} is not found (404).`,
      "Send this path to the app, with or without the prefix of the public URL: both work. Check installPath, callbackPath and the path of the event address."
    )
  }
  if (status === 401 && "www-authenticate" in headers) {
    return error(id, `${url} asks for a login (401).`, "Let these paths through without one: Slack has no login.")
  }
  if (status === 503 && "retry-after" in headers) {
    return error(id, `${url} is not ready (503): the app's layer did not build.`, "Read the reason in the app's log.")
  }
  if (status >= 500) {
    return error(
      id,
      `${url} fails (${status}).`,
      "Check that the app runs behind the tunnel or proxy, and read its log."
    )
  }
  return undefined
}

const pathAndHost = (url: URL): string => `${url.protocol}//${url.host}${url.pathname}`

/** A redirect that is not to Slack. */
const elsewhere = (id: string, url: string, { headers, status }: Answered): Finding | undefined => {
  if (status < 300 || status >= 400) return undefined
  const location = headers["location"] ?? ""
  const target = parseUrl(location, url)
  return error(
    id,
    `${url} redirects to ${target === undefined ? "nowhere" : pathAndHost(target)} (${status}).`,
    "Use the address that answers without a redirect as the public URL. Slack compares it, and does not follow redirects."
  )
}

const isCached = ({ headers }: Answered): boolean =>
  Number(headers["age"] ?? 0) > 0 || /\bHIT\b/i.test(headers["cf-cache-status"] ?? headers["x-cache"] ?? "")

// -------------------------------------------------------------------------------------
// the install address
// -------------------------------------------------------------------------------------

export interface Expected {
  readonly url: string
  readonly redirectUrl: string
  readonly baseUrl: string
  readonly clientId: string | undefined
}

/** The consent page's URL that the install address redirects to. */
const consentOf = ({ headers }: Answered, baseUrl: string): URL | undefined => {
  const url = parseUrl(headers["location"] ?? "")
  return url?.href.startsWith(`${baseUrl}/`) || url?.pathname.endsWith("/oauth/v2/authorize") ? url : undefined
}

export const install = (reply: Reply, { baseUrl, clientId, redirectUrl, url }: Expected): Finding => {
  const id = "install-address"
  if (reply._tag === "NoReply") return unreachable(id, url, reply.code)
  const good = ok(id, `${url} sends browsers to Slack.`)
  const consent = consentOf(reply, baseUrl)
  if (consent === undefined) {
    return firstOf(
      error(
        id,
        `${url} answers with status ${reply.status}, and does not redirect to Slack.`,
        "Check that the path is the install address, and not a page of something else."
      ),
      onTheWay(id, url, reply),
      elsewhere(id, url, reply)
    )
  }
  const sent = consent.searchParams.get("redirect_uri")
  return firstOf(
    good,
    isCached(reply)
      ? error(id, `${url} was answered from a cache, so people share a state.`, "Do not cache these paths.")
      : undefined,
    consent.href.startsWith(`${baseUrl}/`) ? undefined : error(
      id,
      `The server sends people to ${consent.origin}, and SLACK_BASE_URL here is ${baseUrl}.`,
      "Start the server and this command with the same settings."
    ),
    clientId === undefined || consent.searchParams.get("client_id") === clientId ? undefined : error(
      id,
      "The server asks for another client id than SLACK_CLIENT_ID here.",
      "Another app or another environment answers at this address."
    ),
    sent === redirectUrl ? undefined : error(
      id,
      `The server tells Slack to send people to ${sent ?? "no address"}, and not to ${redirectUrl}.`,
      "Set publicUrl and callbackPath of the flow to the address that browsers see. Host headers are never read."
    ),
    (consent.searchParams.get("state") ?? "").length >= 16 ? undefined : error(
      id,
      "The server sends people to Slack without a state.",
      "Something else than InstallFlow answers there, and its installs can be forged."
    )
  )
}

// -------------------------------------------------------------------------------------
// the cookie
// -------------------------------------------------------------------------------------

export const cookie = (reply: Reply, { baseUrl, url }: Expected): Finding => {
  const id = "install-cookie"
  if (reply._tag === "NoReply" || consentOf(reply, baseUrl) === undefined) {
    return skipped(
      id,
      "The install address did not redirect, so there is no cookie to look at.",
      "Fix the install address first."
    )
  }
  const secure = url.startsWith("https:")
  const todo = "Let the proxy pass Set-Cookie on as it is. With another cookie no install can be finished (403)."
  const line = reply.cookies.find((cookie) => /slack-install-/.test(cookie.split("=")[0] ?? ""))
  if (line === undefined) {
    return error(id, "The cookie of the install does not arrive: something on the way removes Set-Cookie.", todo)
  }
  const [pair = "", ...attributes] = line.split(";").map((part) => part.trim())
  const has = (name: string) => attributes.some((attribute) => attribute.toLowerCase() === name)
  const domain = attributes.find((attribute) => /^domain=/i.test(attribute))
  const wrong = [
    secure && !pair.startsWith("__Host-") && "its name does not begin with __Host-",
    domain !== undefined && "it has a Domain",
    secure && !has("secure") && "it is not Secure",
    !has("httponly") && "it is not HttpOnly",
    !has("path=/") && "its Path is not /",
    !has("samesite=lax") && "it is not SameSite=Lax"
  ].filter((problem) => problem !== false)
  return wrong.length === 0
    ? ok(id, "The cookie of the install arrives as the app sends it.")
    : error(id, `The cookie of the install was changed on the way: ${wrong.join(", ")}.`, todo)
}

// -------------------------------------------------------------------------------------
// the callback and the event address
// -------------------------------------------------------------------------------------

/** The callback, asked without a code. */
export const callback = (reply: Reply, url: string): Finding => {
  const id = "callback-address"
  if (reply._tag === "NoReply") return unreachable(id, url, reply.code)
  return firstOf(
    reply.status === 400
      ? ok(id, `${url} answers, and refuses a request without a code.`)
      : warning(
        id,
        `${url} answers a request without a code with status ${reply.status}, and not with 400.`,
        "Check that callbackPath is the path of the flow."
      ),
    onTheWay(id, url, reply),
    elsewhere(id, url, reply),
    isCached(reply) ? error(id, `${url} was answered from a cache.`, "Do not cache these paths.") : undefined,
    reply.status === 403
      ? error(id, `${url} is forbidden (403).`, "Let this path through: a firewall or a login is in front of it.")
      : undefined
  )
}

/** The event address, asked by somebody who cannot sign. */
export const events = (reply: Reply, url: string): Finding => {
  const id = "event-address"
  if (reply._tag === "NoReply") return unreachable(id, url, reply.code)
  return firstOf(
    reply.status === 401
      ? ok(id, `${url} answers, and refuses what Slack did not sign.`)
      : warning(
        id,
        `${url} answers an unsigned POST with status ${reply.status}, and not with 401.`,
        "Check its path."
      ),
    onTheWay(id, url, reply),
    elsewhere(id, url, reply),
    reply.status === 405
      ? error(id, `${url} takes no POST (405).`, "Send POST requests for this path to the event address too.")
      : undefined,
    reply.status === 403
      ? error(
        id,
        `${url} refuses a POST (403).`,
        "Take this path out of the firewall's rules, and out of CSRF protection."
      )
      : undefined,
    reply.status < 300
      ? error(id, `${url} accepts a request that Slack did not sign.`, "Use Lifecycle.webHandler or layerRoutes there.")
      : undefined
  )
}

/** The event address, asked with the signing secret and a challenge. */
export const challenge = (reply: Reply, url: string, expected: string): Finding => {
  const id = "event-signature"
  if (reply._tag === "NoReply") return skipped(id, `${url} cannot be reached.`, "Fix the event address first.")
  if (reply.status === 200 && reply.body.includes(expected)) {
    return ok(id, "The server has the same signing secret, and answers Slack's challenge.")
  }
  return reply.status === 401
    ? error(
      id,
      "The server refuses what SLACK_SIGNING_SECRET has signed.",
      "Give the server the signing secret of the app, check its clock, and look for a proxy that changes the body."
    )
    : reply.status === 200
    ? error(id, `${url} does not answer the challenge.`, "Use Lifecycle.webHandler or layerRoutes there.")
    : skipped(id, `${url} answered a signed request with status ${reply.status}.`, "Fix the event address first.")
}
