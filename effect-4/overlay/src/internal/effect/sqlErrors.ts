/**
 * Errors of an `SqlClient`.
 */
import { constFalse } from "effect/Function"
import { SqlError, UnknownError } from "effect/sql/SqlError"

/** What a driver threw, as the error of the client. */
export const sqlError = (cause: unknown): SqlError => new SqlError({ reason: new UnknownError({ cause }) })

/** No client of Effect 4 is without transactions. */
export const hasNoTransactions: (error: unknown) => boolean = constFalse
