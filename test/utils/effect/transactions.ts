/** Transactions whose steps a test gives. */
import { makeWithTransaction, type SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

export interface Steps {
  readonly connect: Effect.Effect<void, SqlError>
  readonly begin: Effect.Effect<void, SqlError>
  readonly savepoint: Effect.Effect<void, SqlError>
  readonly commit: Effect.Effect<void, SqlError>
  readonly rollback: Effect.Effect<void, SqlError>
  readonly rollbackSavepoint: Effect.Effect<void, SqlError>
}

const Transaction = Context.GenericTag<"test/Transaction", readonly [conn: undefined, counter: number]>(
  "test/Transaction"
)

/** Runs an effect as if it were in a transaction. */
export const inTransaction: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> = Effect.provideService(
  TransactionConnection,
  [{} as never, 0]
)

/** Whether statements would go to the connection of such a transaction. */
export const hasConnection: Effect.Effect<boolean> = Effect.map(
  Effect.serviceOption(TransactionConnection),
  Option.isSome
)

/** `withTransaction` of a client. A step that is not given does nothing. */
export const withSteps = (steps: Partial<Steps>): SqlClient["withTransaction"] =>
  makeWithTransaction({
    transactionTag: Transaction,
    spanAttributes: [],
    acquireConnection: Effect.as(steps.connect ?? Effect.void, [undefined, undefined]),
    begin: () => steps.begin ?? Effect.void,
    savepoint: () => steps.savepoint ?? Effect.void,
    commit: () => steps.commit ?? Effect.void,
    rollback: () => steps.rollback ?? Effect.void,
    rollbackSavepoint: () => steps.rollbackSavepoint ?? Effect.void
  })

/** What Cloudflare's D1 does instead of a transaction. */
export const unsupported: Effect.Effect<never> = Effect.dieMessage("transactions are not supported in D1")
