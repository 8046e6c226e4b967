/**
 * Database transactions, which are in the context of the fibers that run in them.
 */
import * as Context from "effect/Context"

/** Tags with the same key are equal, so no driver is imported. */
const transactions = [
  Context.GenericTag("@effect/sql/SqlClient/TransactionConnection"),
  Context.GenericTag("@effect/sql-libsql/LibsqlClient/LibsqlTransaction")
] as const

/** Whether a context is of a fiber inside a transaction. */
export const isInTransaction = (context: Context.Context<never>): boolean =>
  transactions.some(({ key }) => context.unsafeMap.has(key))

/** The context of a fiber outside of all transactions. */
export const withoutTransaction = Context.omit(...transactions) as <R>(
  context: Context.Context<R>
) => Context.Context<R>
