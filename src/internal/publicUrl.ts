/**
 * The address at which browsers reach a server, and paths below it. It is configured: behind a proxy the `Host` header says something
 * else, and anybody can send another one.
 */
import { isLoopback } from "./loopback.js"

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

const no = (problem: string) => ({ ok: false, problem }) as const

/** What a path must not have, and why. Each of these would start well and be found by no request. */
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

/** A path as it stands in a URL (other characters than ASCII are percent-encoded), or what is wrong with it. */
export const parsePath = (input: string): Path => {
  const problem = refused.find(([pattern]) => pattern.test(input))?.[1]
  if (problem !== undefined) return no(problem)
  const { pathname } = new URL(`http://localhost${input}`)
  return canonicalPath(pathname) === undefined
    ? no("its percent-encoding is not that of a text")
    : { ok: true, path: pathname as `/${string}` }
}

/** A path as platform's routers take it: they decode that of a request, and read a single colon as a parameter. */
export const routePath = (path: string): `/${string}` => decodeURI(path).replaceAll(":", "::") as `/${string}`

/**
 * What a path is compared by, as platform's routers do it: decoded, without parameters (`;`), repeated slashes, a slash
 * at the end and a difference of case. `undefined` if it cannot be decoded.
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
  if (!URL.canParse(input)) return no("it is not a URL; write it like https://example.com")
  const url = new URL(input)
  if (url.username !== "" || url.password !== "") return no("it must not carry a user name or password")
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    return no("it must be https (plain http is for loopback addresses only)")
  }
  if (url.search !== "" || url.hash !== "") return no("it must not have a query or a fragment")
  const prefix = url.pathname.replace(/\/+$/, "")
  const path = parsePath(`${prefix}/`)
  if (!path.ok) return no(`of its path: ${path.problem}`)
  return { ok: true, base: `${url.origin}${prefix}`, origin: url.origin, prefix, secure: url.protocol === "https:" }
}
