/**
 * The query of a callback (RFC 6749 §4.1.2). It is read strictly, because anybody can send any query.
 */
import { isToken } from "../random.js"

/** Callbacks from Slack have a few hundred characters. */
const maxLength = 4096

export type CallbackQuery =
  | { readonly _tag: "Code"; readonly code: string; readonly state: string | undefined }
  | { readonly _tag: "Refusal"; readonly error: string; readonly state: string | undefined }
  | { readonly _tag: "TooLong" }
  | { readonly _tag: "Repeated"; readonly parameter: string }
  | { readonly _tag: "Malformed"; readonly parameter: string }
  | { readonly _tag: "Missing"; readonly parameter: string }

/** Slack's codes are digits, dots and hex. This allows more, but no quotes, brackets and slashes. */
const codePattern = /^[\w.~+=-]{1,1024}$/

const names = ["code", "state", "error", "error_description"] as const

type Parameter = typeof names[number]

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    return undefined
  }
}

/** Reads a query without its question mark. It ignores other parameters (RFC 6749 §4.1.2). */
export const parseCallbackQuery = (query: string): CallbackQuery => {
  if (query.length > maxLength) return { _tag: "TooLong" }
  const values = new Map<Parameter, string>()
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=")
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const parameter = names.find((known) => known === name)
    if (parameter === undefined) continue
    if (values.has(parameter)) return { _tag: "Repeated", parameter }
    const value = decode(equals < 0 ? "" : pair.slice(equals + 1))
    if (value === undefined) return { _tag: "Malformed", parameter }
    values.set(parameter, value)
  }

  const { code, error, state } = Object.fromEntries(values) as Partial<Record<Parameter, string>>
  // Slack sends an empty state for an install that began on its own pages.
  const presentState = state === "" ? undefined : state
  if (presentState !== undefined && !isToken(presentState)) return { _tag: "Malformed", parameter: "state" }

  if (error !== undefined) {
    if (code !== undefined) return { _tag: "Malformed", parameter: "error" }
    return /^[a-z_]{1,64}$/.test(error)
      ? { _tag: "Refusal", error, state: presentState }
      : { _tag: "Malformed", parameter: "error" }
  }
  if (code === undefined || code === "") return { _tag: "Missing", parameter: "code" }
  return codePattern.test(code)
    ? { _tag: "Code", code, state: presentState }
    : { _tag: "Malformed", parameter: "code" }
}
