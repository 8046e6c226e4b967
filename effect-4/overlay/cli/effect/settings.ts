/**
 * Settings that are missing or wrong.
 */
import * as Config from "effect/Config"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"

export interface Problem {
  readonly name: string
  /** A sentence without its full stop. */
  readonly what: string
}

export const isConfigError = (error: unknown): error is Config.ConfigError => error instanceof Config.ConfigError

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1()

/** All settings that are missing are one issue: see `src/internal/effect/config.ts`. */
const missing = /^Expected (\S+(?: and \S+)*) to exist$/

/** The problems of an error, in the words of Effect 3. */
export const problemsOf = ({ cause }: Config.ConfigError): ReadonlyArray<Problem> =>
  Schema.isSchemaError(cause)
    ? issuesOf(cause.issue).issues.flatMap(({ message, path }) => {
      const [, names] = missing.exec(message) ?? []
      if (names !== undefined) {
        return names.split(" and ").map((name) => ({ name, what: `Expected ${name} to exist in the process context` }))
      }
      const name = (path ?? []).map(String).join(".")
      // The message of this package's own errors begins with the name.
      return [{ name, what: message.startsWith(`${name}: `) ? message.slice(name.length + 2) : message }]
    })
    : [{ name: "The settings cannot be read", what: cause.message }]
