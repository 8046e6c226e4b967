/** How statements and transactions fail, and the store's error for each failure. */
import type { SqlClient } from "@effect/sql/SqlClient"
import { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { InstallationStoreError } from "../../InstallationStore.js"
import { codeOf } from "../driverCode.js"
import { hasNoTransactions, sqlError } from "../effect/sqlErrors.js"
import { logCause } from "../storeCall.js"

/** Fails with the store's error for the failure of an operation, and logs what the driver says at debug. */
export const failStore =
  (operation: string, row?: string) => (error: unknown): Effect.Effect<never, InstallationStoreError> =>
    Effect.zipRight(
      logCause(`InstallationStore.${operation}`, error),
      hasNoTransactions(error)
        ? new InstallationStoreError({ operation, reason: "unsupported", row })
        : new InstallationStoreError({ operation, reason: "unavailable", row, code: codeOf(error) })
    )

/** What is stored in a row is not what this package writes. */
export const unreadable = (operation: string, row: string): InstallationStoreError =>
  new InstallationStoreError({ operation, reason: "unreadable", row })

/**
 * A transaction that fails with an `SqlError` and does not die. `withTransaction` dies when a commit or a rollback
 * fails; after a failed commit the transaction may be stored or not. It runs statements only, so a defect comes from the
 * client.
 */
export const inTransaction = <A>(sql: SqlClient, statements: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
  Effect.catchAllDefect(
    sql.withTransaction(statements),
    (defect) => Effect.fail(defect instanceof SqlError ? defect : sqlError(defect))
  )

/** Postgres: a deadlock or a serialization failure. It undid the statement, so the statement can be repeated. */
const isUndone = (error: SqlError): boolean => /^(40001|40P01)$/.test(codeOf(error) ?? "")

/** How often such a statement is repeated, after short pauses. */
const again = {
  schedule: Schedule.intersect(Schedule.jittered(Schedule.exponential("5 millis")), Schedule.recurs(8)),
  while: isUndone
}

/** Runs a statement of an operation. Repeats it if the database undid it, and fails with the store's error. */
export const run = <A>(
  operation: string,
  statement: Effect.Effect<A, SqlError>,
  row?: string
): Effect.Effect<A, InstallationStoreError> =>
  Effect.catchAll(statement, (error) =>
    isUndone(error)
      ? Effect.catchAll(Effect.retry(statement, again), failStore(operation, row))
      : failStore(operation, row)(error))
