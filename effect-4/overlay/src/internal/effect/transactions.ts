/**
 * Database transactions, which are in the context of the fibers that run in them.
 */
import * as Context from "effect/Context"

/**
 * The service of the innermost transaction, of whichever client. It has the key that Effect gives it, so it is the same.
 */
const Current = Context.Reference<{ readonly key: string } | undefined>("effect/sql/CurrentTransactionService", {
  defaultValue: () => undefined
})

/** Each client has services of its own. Their keys end in a number, unless the client names its service itself. */
const isOfTransaction = (key: string): boolean =>
  key === Current.key || key.startsWith("effect/sql/SqlClient/Transaction")

/** Whether a context is of a fiber inside a transaction. */
export const isInTransaction = (context: Context.Context<never>): boolean => Context.get(context, Current) !== undefined

/** The context of a fiber outside of all transactions. */
export const withoutTransaction = <R>(context: Context.Context<R>): Context.Context<R> => {
  const own = Context.get(context, Current)?.key
  return Context.makeUnsafe(
    new Map(Array.from(context.mapUnsafe).filter(([key]) => key !== own && !isOfTransaction(key)))
  )
}
