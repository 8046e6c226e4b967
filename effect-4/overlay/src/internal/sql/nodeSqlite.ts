/**
 * The `SqlClient` of a SQLite file that other processes also write to, over Node's own driver.
 *
 * - One connection writes, the other one reads. So a read does not wait for a transaction, and does not see what it has not
 *   committed.
 * - One writer of this process has its turn at a time, in the order in which they came. It waits for other processes on
 *   Effect's clock, so the event loop runs on.
 * - A transaction has begun when it has the lock of the file, and what fails before that has taken nothing. A transaction
 *   that fails to commit is rolled back.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { LockTimeoutError, SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import type { DatabaseSync } from "node:sqlite"
import { uptime } from "../uptime.js"
import { deadlineAfter, isRead, makePersist, type Restore } from "./fileLock.js"
import { connection, exec, isBusy, open, openUri, type Way } from "./sqliteFile.js"

// -------------------------------------------------------------------------------------
// waiting
// -------------------------------------------------------------------------------------

const persist = makePersist<SqlError>({ isBusy, firstPause: 1, longestPause: 40 })

const isLate = () =>
  new SqlError({
    reason: new LockTimeoutError({
      cause: Object.assign(new Error("Another writer of this process had its turn all the time"), {
        code: "SQLITE_BUSY"
      }),
      message: "Another transaction of this process is open, or waits for the lock of the file"
    })
  })

/** Admits one writer of this process at a time, first come, first served. */
const makeTurn = () => {
  let isTaken = false
  const waiting = new Set<{ wake: () => void }>()
  const first = () => waiting.values().next().value
  const wakeFirst = () => {
    if (!isTaken) first()?.wake()
  }
  const wait = (until: number, restore: Restore): Effect.Effect<void, SqlError> =>
    Effect.flatMap(uptime, (now) => {
      const me = { wake: () => {} }
      waiting.add(me)
      const woken = Effect.callback<void>((resume) => {
        me.wake = () => resume(Effect.void)
        if (!isTaken && first() === me) me.wake()
      })
      // Interruptible, so that the deadline ends the wait even if the caller cannot be interrupted.
      const inTime = Effect.timeoutOrElse(Effect.interruptible(woken), {
        duration: Math.max(0, until - now),
        orElse: () => Effect.fail(isLate())
      })
      return Effect.matchCauseEffect(restore(inTime), {
        onFailure: (cause) =>
          Effect.suspend(() => {
            waiting.delete(me)
            wakeFirst()
            return Effect.failCause(cause)
          }),
        onSuccess: () =>
          Effect.sync(() => {
            waiting.delete(me)
            isTaken = true
          })
      })
    })
  /** Runs where nothing can be interrupted but what `restore` restores. */
  const take = (until: number, restore: Restore): Effect.Effect<void, SqlError> =>
    Effect.suspend(() => {
      if (isTaken || waiting.size > 0) return wait(until, restore)
      isTaken = true
      return Effect.void
    })
  const give = Effect.sync(() => {
    isTaken = false
    wakeFirst()
  })
  return { give, isFree: () => !isTaken && waiting.size === 0, take }
}

// -------------------------------------------------------------------------------------
// the client
// -------------------------------------------------------------------------------------

/** The options of a client. */
export interface Options {
  readonly busyTimeout: Duration.Duration
  readonly spanAttributes?: Record<string, unknown> | undefined
  readonly transformQueryNames?: ((name: string) => string) | undefined
  readonly transformResultNames?: ((name: string) => string) | undefined
}

/** The key tells where a transaction is from; Effect's own clients have a number there. */
const Transaction = (key: string) =>
  Context.Service<SqlClient.TransactionConnection, SqlClient.TransactionConnection.Service>(
    `effect/sql/SqlClient/TransactionConnection/${key}`
  )

let clients = 0

const make = (reader: DatabaseSync, writer: DatabaseSync, options: Options) =>
  Effect.gen(function*() {
    const turn = makeTurn()
    const deadline = deadlineAfter(Duration.toMillis(options.busyTimeout))

    const patiently = <A, R>(use: (until: number, restore: Restore) => Effect.Effect<A, SqlError, R>) =>
      Effect.flatMap(deadline, (until) => Effect.uninterruptibleMask((restore) => use(until, restore)))
    const inTurn = <A>(statement: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
      patiently((until, restore) =>
        Effect.andThen(turn.take(until, restore), Effect.ensuring(persist(statement, until, restore), turn.give))
      )

    const reading: Way = {
      database: reader,
      around: (statement) =>
        Effect.catchIf(statement, isBusy, () => patiently((until, restore) => persist(statement, until, restore)))
    }
    // A write that need not wait is done in one step.
    const writing: Way = {
      database: writer,
      around: (statement) =>
        Effect.suspend(() =>
          turn.isFree() ? Effect.catchIf(statement, isBusy, () => inTurn(statement)) : inTurn(statement)
        )
    }
    const outside = connection((sql) => isRead(sql) ? reading : writing)
    const inside = connection(() => ({ database: writer, around: (statement) => statement }))

    const rollback = Effect.suspend(() => writer.isTransaction ? exec(writer, "ROLLBACK") : Effect.void)
    /** The turn, until the scope closes. Nothing that was not committed stays. */
    const turnInScope = (until: number, restore: Restore) =>
      Effect.andThen(
        turn.take(until, restore),
        Effect.addFinalizer(() => Effect.ensuring(Effect.ignore(rollback), turn.give))
      )
    const transactionService = Transaction(`NodeSqlite/${clients++}`)
    const spanAttributes: ReadonlyArray<readonly [string, unknown]> = [
      ...Object.entries(options.spanAttributes ?? {}),
      ["db.system.name", "sqlite"]
    ]

    const client = yield* SqlClient.make({
      acquirer: Effect.succeed(outside),
      borrower: (use) => use(outside),
      transactionAcquirer: Effect.as(patiently(turnInScope), inside),
      compiler: Statement.makeCompilerSqlite(options.transformQueryNames),
      driver: "node-sqlite",
      spanAttributes,
      transactionService,
      transformRows: options.transformResultNames === undefined
        ? undefined
        : Statement.defaultTransforms(options.transformResultNames).array
    })
    return Object.assign(client, {
      withTransaction: SqlClient.makeWithTransaction({
        transactionService,
        spanAttributes,
        // Only the waits can be interrupted.
        acquireConnection: (restore) =>
          Effect.gen(function*() {
            const until = yield* deadline
            yield* turnInScope(until, restore)
            yield* persist(exec(writer, (yield* SqlClient.BeginTransaction) ?? "BEGIN IMMEDIATE"), until, restore)
            return inside
          }),
        begin: () => Effect.void,
        savepoint: (_, id) => exec(writer, `SAVEPOINT effect_sql_${id}`),
        releaseSavepoint: (_, id) => exec(writer, `RELEASE SAVEPOINT effect_sql_${id}`),
        // Without a write-ahead log, a commit has to wait for readers.
        commit: () => Effect.flatMap(deadline, (until) => persist(exec(writer, "COMMIT"), until, (wait) => wait)),
        onCommitFailure: () => rollback,
        rollback: () => rollback,
        rollbackSavepoint: (_, id) => exec(writer, `ROLLBACK TO SAVEPOINT effect_sql_${id}`)
      })
    })
  })

/** Both connections wait for the disk at each commit; the reader writes nothing. */
const prepare = (reader: DatabaseSync, writer: DatabaseSync) =>
  exec(writer, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").pipe(
    Effect.andThen(exec(reader, "PRAGMA query_only = ON"))
  )

/** Opens the file twice, and waits until other processes let it have a write-ahead log. */
export const layer = (options: Options & { readonly url: string }): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function*() {
      const writer = yield* open(options.url)
      const reader = yield* open(options.url)
      const until = yield* deadlineAfter(Duration.toMillis(options.busyTimeout))
      yield* persist(prepare(reader, writer), until, (wait) => wait)
      return yield* make(reader, writer, options)
    })
  ).pipe(Layer.provide(Reactivity.layer))

/** Opens the file once, by a URI of SQLite's own that says that nothing is written. Every write fails. */
export const layerToRead = (
  options: Options & { readonly uri: string }
): Layer.Layer<SqlClient.SqlClient, SqlError> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.flatMap(openUri(options.uri), (database) => make(database, database, options))
  ).pipe(Layer.provide(Reactivity.layer))
