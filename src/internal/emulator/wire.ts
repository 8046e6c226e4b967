/**
 * HTTP requests and answers, in memory or over a server: parameters, credentials, and the forms of an answer.
 */
import { isObject } from "../unknown.js"

/** A request whose body has been read. */
export interface Request {
  readonly method: string
  readonly url: URL
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: string
}

/** A complete answer. */
export interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

// -------------------------------------------------------------------------------------
// parameters
// -------------------------------------------------------------------------------------

/** The parameters of a request, or Slack's error code for its form. */
export type Parsed =
  | {
    readonly ok: true
    readonly parameters: ReadonlyMap<string, string>
    /** All parameters, also those that are no text. */
    readonly fields: Readonly<Record<string, unknown>>
    readonly warnings: ReadonlyArray<string>
  }
  | { readonly ok: false; readonly code: string; readonly messages?: ReadonlyArray<string> }

const no = (code: string, ...messages: ReadonlyArray<string>): Parsed => ({ ok: false, code, messages })

/** Reads the text fields of `multipart/form-data` (RFC 7578), which `curl -F` sends. */
const parseMultipart = (contentType: string, body: string): ReadonlyArray<readonly [string, string]> | undefined => {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType)
  if (boundary === null) return undefined
  const parts = body.split(`--${boundary[1] ?? boundary[2]}`).slice(1, -1)
  const fields: Array<readonly [string, string]> = []
  for (const part of parts) {
    const [head, ...rest] = part.split("\r\n\r\n")
    const name = /\bname="([^"]*)"/i.exec(head ?? "")?.[1]
    if (name === undefined || rest.length === 0) return undefined
    fields.push([name, rest.join("\r\n\r\n").replace(/\r\n$/, "")])
  }
  return fields
}

const parseBody = (
  mediaType: string,
  contentType: string,
  body: string
): ReadonlyArray<readonly [string, unknown]> | string => {
  switch (mediaType) {
    case "application/x-www-form-urlencoded":
    case "text/plain":
      return Array.from(new URLSearchParams(body))
    case "multipart/form-data":
      return parseMultipart(contentType, body) ?? "invalid_form_data"
    case "application/json":
      try {
        const json: unknown = JSON.parse(body)
        return isObject(json) ? Object.entries(json) : "json_not_object"
      } catch {
        return "invalid_json"
      }
    default:
      return "invalid_post_type"
  }
}

/** The rules for the arguments of the methods that this emulator implements: they are all text. */
const problemOf = (name: string, value: unknown): Parsed | undefined => {
  if (/^\w+\[.*\]$/.test(name) || Array.isArray(value)) return no("invalid_array_arg")
  if (!/^[\w.-]{1,100}$/.test(name)) return no("invalid_arg_name")
  return typeof value === "object" && value !== null
    ? no("invalid_arguments", `[ERROR] must be a string: ${name}`)
    : undefined
}

/**
 * Reads parameters from the query and the body. Slack accepts both, also for secrets. Parameters that are not text are
 * refused, unless `anyType` is true.
 */
export const parse = (request: Request, { anyType }: { readonly anyType: boolean }): Parsed => {
  const entries: Array<readonly [string, unknown]> = Array.from(request.url.searchParams)
  const warnings: Array<string> = []

  if (request.body !== "") {
    const contentType = request.headers["content-type"]
    if (contentType === undefined) return no("missing_post_type")
    const mediaType = contentType.replace(/;.*/s, "").trim().toLowerCase()
    const charset = /;\s*charset="?([^";\s]+)/i.exec(contentType)?.[1]?.toLowerCase()
    const body = parseBody(mediaType, contentType, request.body)
    if (typeof body === "string") return no(body)
    if (charset !== undefined && charset !== "utf-8" && charset !== "iso-8859-1") return no("invalid_charset")
    if (charset !== undefined && mediaType !== "application/json") warnings.push("superfluous_charset")
    entries.push(...body)
  }

  const parameters = new Map<string, string>()
  for (const [name, value] of entries) {
    const problem = anyType ? undefined : problemOf(name, value)
    if (problem !== undefined) return problem
    if (typeof value !== "object") parameters.set(name, String(value))
  }
  return { ok: true, parameters, fields: Object.fromEntries(entries), warnings }
}

// -------------------------------------------------------------------------------------
// credentials
// -------------------------------------------------------------------------------------

export interface Credentials {
  readonly clientId: string
  readonly clientSecret: string
}

export type Authorization =
  | { readonly _tag: "None" }
  /** Form-encoded credentials (RFC 6749 §2.3.1), and then, if they differ, the same text as it is. */
  | { readonly _tag: "Basic"; readonly readings: readonly [Credentials, ...ReadonlyArray<Credentials>] }
  | { readonly _tag: "Bearer"; readonly token: string }
  | { readonly _tag: "Unreadable" }

const formDecode = (text: string): string => new URLSearchParams(`=${text.replaceAll("&", "%26")}`).get("") ?? ""

/** Reads the `Authorization` header: Basic (RFC 6749 §2.3.1) or Bearer. */
export const readAuthorization = (header: string | undefined): Authorization => {
  if (header === undefined || header.trim() === "") return { _tag: "None" }
  const [scheme = "", credentials = ""] = header.trim().split(/\s+/)
  if (scheme.toLowerCase() === "bearer" && credentials !== "") return { _tag: "Bearer", token: credentials }
  if (scheme.toLowerCase() !== "basic") return { _tag: "Unreadable" }
  try {
    const text = atob(credentials)
    const colon = text.indexOf(":")
    if (colon === -1) return { _tag: "Unreadable" }
    const raw = { clientId: text.slice(0, colon), clientSecret: text.slice(colon + 1) }
    const decoded = { clientId: formDecode(raw.clientId), clientSecret: formDecode(raw.clientSecret) }
    const isSame = raw.clientId === decoded.clientId && raw.clientSecret === decoded.clientSecret
    return { _tag: "Basic", readings: isSame ? [decoded] : [decoded, raw] }
  } catch {
    return { _tag: "Unreadable" }
  }
}

// -------------------------------------------------------------------------------------
// answers
// -------------------------------------------------------------------------------------

const noStore = { "cache-control": "private, no-cache, no-store, must-revalidate", "referrer-policy": "no-referrer" }

export const json = (body: unknown, headers: Readonly<Record<string, string>> = {}): Response => ({
  status: 200,
  headers: { ...noStore, "content-type": "application/json; charset=utf-8", ...headers },
  body: JSON.stringify(body)
})

export const html = (status: number, body: string): Response => ({
  status,
  headers: {
    ...noStore,
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-frame-options": "SAMEORIGIN",
    "x-content-type-options": "nosniff"
  },
  body
})

/** Refuses an HTTP method, before anything has changed. */
export const notAllowed = (methods: ReadonlyArray<string>): Response => ({
  status: 405,
  headers: { ...noStore, "content-type": "text/plain; charset=utf-8", allow: methods.join(", ") },
  body: `This address takes ${methods.join(" and ")}`
})

export const redirect = (location: string): Response => ({
  status: 302,
  headers: { ...noStore, location },
  body: ""
})
