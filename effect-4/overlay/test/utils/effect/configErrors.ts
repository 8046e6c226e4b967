/** What is wrong with a setting. */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import type * as SchemaIssue from "effect/SchemaIssue"

const pathOf = (
  error: unknown,
  ...tags: ReadonlyArray<SchemaIssue.Issue["_tag"]>
): ReadonlyArray<string> | undefined => {
  if (!(error instanceof Config.ConfigError) || !Schema.isSchemaError(error.cause)) return undefined
  const path: Array<string> = []
  let { issue } = error.cause
  while (issue._tag === "Pointer") {
    path.push(...issue.path.map(String))
    issue = issue.issue
  }
  return tags.includes(issue._tag) ? path : undefined
}

/** The path of a setting that cannot be used. */
export const invalidPath = (error: unknown): ReadonlyArray<string> | undefined => pathOf(error, "InvalidValue")

/** The path of a setting that is not there. */
export const missingPath = (error: unknown): ReadonlyArray<string> | undefined =>
  pathOf(error, "MissingKey", "InvalidType")
