/** Operations of a store on an SQL database, and how they fail. */
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { StoreError } from "../../InstallationStore.js"
import { codeOf } from "../sqlFailure.js"

/**
 * A transaction whose every failure is typed. `withTransaction` dies when a commit or a rollback fails; after a failed
 * commit nobody knows whether it happened. What is handed in are statements alone, so a defect is the client's.
 */
export const inTransaction = <A>(sql: SqlClient, statements: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
  Effect.catchAllDefect(
    sql.withTransaction(statements),
    (defect) => Effect.fail(defect instanceof SqlError ? defect : new SqlError({ cause: defect }))
  )

/** A client that has no transactions (Cloudflare D1) dies with a word of its own. */
const hasNoTransactions = (error: unknown): boolean =>
  error instanceof SqlError && Cause.isRuntimeException(error.cause)

/** The failure of an operation, in the store's words. */
export const storeError = (operation: string, row?: string) => (error: unknown): StoreError =>
  hasNoTransactions(error)
    ? new StoreError({ operation, reason: "unsupported", row })
    : new StoreError({ operation, reason: "unavailable", row, code: codeOf(error) })
