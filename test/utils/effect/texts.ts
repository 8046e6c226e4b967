/** What Effect makes of a value for people to read. */
import * as Cause from "effect/Cause"
import * as Inspectable from "effect/Inspectable"
import * as ParseResult from "effect/ParseResult"

/** `Inspectable.format` writes the same, with line breaks. */
export const ofValue = (value: unknown): ReadonlyArray<string> => [
  JSON.stringify(Inspectable.toJSON(value), (_, inner) => typeof inner === "bigint" ? String(inner) : inner) ?? ""
]

export const ofCause = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => [
  Cause.pretty(cause),
  Cause.pretty(cause, { renderErrorCause: true })
]

/** The formatted forms of a failure of a schema. */
export const ofParseError = (error: ParseResult.ParseError): ReadonlyArray<string> => [
  JSON.stringify(ParseResult.ArrayFormatter.formatErrorSync(error)),
  ParseResult.TreeFormatter.formatErrorSync(error)
]
