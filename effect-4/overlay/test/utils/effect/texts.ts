/** What Effect makes of a value for people to read. */
import * as Cause from "effect/Cause"
import * as Formatter from "effect/Formatter"
import * as Inspectable from "effect/Inspectable"
import type * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

export const ofValue = (value: unknown): ReadonlyArray<string> => [
  Formatter.format(value),
  Formatter.formatJson(value),
  JSON.stringify(Inspectable.toJson(value), (_, inner) => typeof inner === "bigint" ? String(inner) : inner) ?? ""
]

export const ofCause = (cause: Cause.Cause<unknown>): ReadonlyArray<string> => [Cause.pretty(cause)]

/** The formatted forms of a failure of a schema. */
export const ofParseError = (error: Schema.SchemaError): ReadonlyArray<string> => [
  JSON.stringify(SchemaIssue.makeFormatterStandardSchemaV1()(error.issue)),
  SchemaIssue.makeFormatterDefault()(error.issue)
]
