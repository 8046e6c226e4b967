/** Transactions whose steps a test gives. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { makeWithTransaction, type SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

export interface Steps {
  readonly connect: Effect.Effect<void, SqlError>
  readonly begin: Effect.Effect<void, SqlError>
  readonly savepoint: Effect.Effect<void, SqlError>
  readonly commit: Effect.Effect<void, SqlError>
  readonly rollback: Effect.Effect<void, SqlError>
  readonly rollbackSavepoint: Effect.Effect<void, SqlError>
}

const Transaction = Context.Service<"test/Transaction", readonly [conn: void, counter: number]>("test/Transaction")

/** `withTransaction` of a client. A step that is not given does nothing. */
export const withSteps = (steps: Partial<Steps>): SqlClient["withTransaction"] =>
  makeWithTransaction({
    transactionService: Transaction,
    spanAttributes: [],
    acquireConnection: () => steps.connect ?? Effect.void,
    begin: () => steps.begin ?? Effect.void,
    savepoint: () => steps.savepoint ?? Effect.void,
    commit: () => steps.commit ?? Effect.void,
    rollback: () => steps.rollback ?? Effect.void,
    rollbackSavepoint: () => steps.rollbackSavepoint ?? Effect.void
  })

/** Runs an effect as if it were in a transaction. */
export const inTransaction = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  withSteps({})(effect) as Effect.Effect<A, E, R>

/** Whether statements would go to the connection of such a transaction. */
export const hasConnection: Effect.Effect<boolean> = Effect.map(Effect.serviceOption(Transaction), Option.isSome)

/** What Cloudflare's D1 does instead of a transaction. */
export const unsupported: Effect.Effect<never> = Effect.die("transactions are not supported in D1")
