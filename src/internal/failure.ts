/**
 * What an answer says about a failure: Slack's error code, and its words, with their secrets masked.
 */
import { commaList } from "./commaList.js"
import { isObject } from "./unknown.js"

/** The failure part of a body. */
export interface FailureBody {
  /** Slack's code, if the body has one. It is not masked: one that nobody documents may quote a secret. */
  readonly code: string | undefined
  readonly messages: ReadonlyArray<string>
  readonly warnings: ReadonlyArray<string>
  readonly needed: ReadonlyArray<string> | undefined
  readonly provided: ReadonlyArray<string> | undefined
}

/** Whether a value has the form of Slack's error codes. */
export const isCode = (value: unknown): value is string => typeof value === "string" && /^[\w.:-]{1,100}$/.test(value)

/** The rest is cut off: it would not help anybody. */
const most = { items: 20, characters: 500 }

/** Reads the failure part of a body. A part that has another form counts as absent. */
export const readFailure = (body: Record<string, unknown>, scrub: (text: string) => string): FailureBody => {
  // It is masked before it is cut, because half of a secret is not recognized.
  const clean = (text: string): string => scrub(text).slice(0, most.characters)
  const strings = (value: unknown): ReadonlyArray<string> =>
    Array.isArray(value) ? value.filter((item) => typeof item === "string").slice(0, most.items).map(clean) : []
  const list = (value: unknown): ReadonlyArray<string> | undefined =>
    typeof value === "string" ? commaList(clean(value)) : undefined
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
