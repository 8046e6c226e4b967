/**
 * Errors of an `SqlClient`.
 */
import { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"

/** What a driver threw, as the error of the client. */
export const sqlError = (cause: unknown): SqlError => new SqlError({ cause })

/** A client without transactions (Cloudflare D1) dies with this exception. */
export const hasNoTransactions = (error: unknown): boolean =>
  error instanceof SqlError && Cause.isRuntimeException(error.cause)
