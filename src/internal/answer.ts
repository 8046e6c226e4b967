/**
 * What an HTTP answer says, before anyone knows whether it is good: JSON or not, Slack's error code, and the words
 * around it with their secrets masked.
 */
import { commaList } from "./commaList.js"

export interface Failure {
  /** Slack's code, if the answer has one; as it came, so one that nobody documents may quote a secret. */
  readonly code: string | undefined
  readonly messages: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly needed: ReadonlyArray<string> | undefined
  readonly provided: ReadonlyArray<string> | undefined
}

export const isObject = (u: unknown): u is Record<string, unknown> =>
  typeof u === "object" && u !== null && !Array.isArray(u)

/** The JSON object in a body, or `undefined` for anything else. */
export const parseObject = (body: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether a value has the form of Slack's error codes. */
export const isCode = (value: unknown): value is string => typeof value === "string" && /^[\w.:-]{1,100}$/.test(value)

/** More than this of anything that Slack says is no help to anyone. */
const most = { items: 20, characters: 500 }

/** Reads the failure part of a body, leniently: a code is worth more than a well-formed message. */
export const readFailure = (body: Record<string, unknown>, scrub: (text: string) => string): Failure => {
  // In this order: half a secret would not be recognized as one.
  const clean = (text: string): string => scrub(text).slice(0, most.characters)
  const strings = (u: unknown): ReadonlyArray<string> =>
    Array.isArray(u) ? u.filter((item) => typeof item === "string").slice(0, most.items).map(clean) : []
  const list = (u: unknown): ReadonlyArray<string> | undefined =>
    typeof u === "string" ? commaList(clean(u)) : undefined
  const metadata = isObject(body.response_metadata) ? body.response_metadata : {}
  return {
    code: body.ok === false && isCode(body.error) ? body.error : undefined,
    messages: strings(metadata.messages),
    warnings: Array.from(new Set([...list(body.warning) ?? [], ...strings(metadata.warnings)])),
    needed: list(body.needed),
    provided: list(body.provided)
  }
}

/** The media type without its parameters, if it is one. */
export const mediaType = (header = ""): string | undefined =>
  /^\s*([\w.+-]{1,60}\/[\w.+-]{1,60})\s*(;|$)/.exec(header)?.[1]?.toLowerCase()
