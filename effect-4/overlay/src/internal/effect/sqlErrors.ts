/**
 * Errors of an `SqlClient`.
 */
import { SqlError, UnknownError } from "effect/sql/SqlError"

/** What a driver threw, as the error of the client. */
export const sqlError = (cause: unknown): SqlError => new SqlError({ reason: new UnknownError({ cause }) })

/** A client without transactions (Cloudflare D1) dies with a text, or with an exception, that says so. */
export const hasNoTransactions = (error: unknown): boolean => {
  const cause = error instanceof SqlError ? error.reason.cause : undefined
  const said = cause instanceof Error ? cause.message : cause
  return typeof said === "string" && said.includes("transactions are not supported")
}
