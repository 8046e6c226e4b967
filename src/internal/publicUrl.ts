/**
 * The public URL, at which browsers reach a server, and the paths below it. It is a setting: behind a proxy the `Host`
 * header has another value, and anybody can send any `Host`.
 */
import { parseHttpsUrl } from "./httpsUrl.js"

export type PublicUrl =
  | {
    readonly ok: true
    /** Origin and path prefix, without a slash at the end. */
    readonly base: string
    readonly origin: string
    /** The path prefix, empty or like `/app`. */
    readonly prefix: string
    readonly secure: boolean
  }
  | { readonly ok: false; readonly problem: string }

export type Path = { readonly ok: true; readonly path: `/${string}` } | {
  readonly ok: false
  readonly problem: string
}

/** Bolt's defaults. An app that moves here keeps its settings at Slack. */
export const standardPaths = {
  install: "/slack/install",
  callback: "/slack/oauth_redirect",
  events: "/slack/events"
} as const

const no = (problem: string) => ({ ok: false, problem }) as const

/** What a path must not contain, and why. With any of these a server would start, and no request would match. */
const refused: ReadonlyArray<readonly [pattern: RegExp, problem: string]> = [
  [/^(?!\/)/, "it does not begin with a slash"],
  [/[\s\p{Cc}]/u, "it has white space or control characters; white space has to be percent-encoded"],
  [/[?#]/, "it has a query or a fragment; Slack adds the query"],
  [/\\/, "it has a backslash; write slashes"],
  [/\/\//, "it has an empty segment (//)"],
  [/\/(?:\.|%2e){1,2}(?:\/|$)/i, "it has a segment . or .., which browsers resolve"],
  [/[*;]/, "it has a * or ;, which routers read as a pattern or as the end of the path"],
  [
    /%(?:2[3-6bcf]|3[abdf]|40)/i,
    "it has an encoded one of # $ % & + , / : ; = ? @, which routers read in different ways"
  ]
]

/** A path as a URL has it (characters other than ASCII are percent-encoded), or what is wrong with it. */
export const parsePath = (input: string): Path => {
  const problem = refused.find(([pattern]) => pattern.test(input))?.[1]
  if (problem !== undefined) return no(problem)
  const { pathname } = new URL(`http://localhost${input}`)
  return canonicalPath(pathname) === undefined
    ? no("its percent-encoding is not valid UTF-8")
    : { ok: true, path: pathname as `/${string}` }
}

/** A path for platform's routers. They decode the path of a request, and read a single colon as a parameter. */
export const routePath = (path: string): `/${string}` => decodeURI(path).replaceAll(":", "::") as `/${string}`

/**
 * The form in which paths are compared, as platform's routers do it: decoded, in lower case, without parameters (`;`),
 * repeated slashes and a slash at the end. `undefined` if the path cannot be decoded.
 */
export const canonicalPath = (pathname: string): string | undefined => {
  try {
    const path = decodeURI(pathname.replace(/;.*/s, "")).replace(/\/{2,}/g, "/").toLowerCase()
    return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path
  } catch {
    return undefined
  }
}

export const parsePublicUrl = (input: string): PublicUrl => {
  const url = parseHttpsUrl(input, "https://example.com")
  if (!url.ok) return url
  const { origin, path: prefix, secure } = url
  const path = parsePath(`${prefix}/`)
  return path.ok ? { ok: true, base: `${origin}${prefix}`, origin, prefix, secure } : no(`of its path: ${path.problem}`)
}
