/**
 * The `SqlClient` of a libsql file that other processes also write to.
 *
 * The driver works in the calling thread before it returns a promise. It has three faults, which this client avoids:
 *
 * - The driver waits for a lock in the calling thread. Here it waits there for some milliseconds only. After that the
 *   statement waits on Effect's clock, and the event loop runs on.
 * - A statement that failed as busy stays open on its connection. A later write on that connection reports success, and is
 *   rolled back when the statement is garbage collected. So the connection is not used again. A waiting caller asks for
 *   the lock with `executeMultiple`, which leaves no statement open.
 * - `LibsqlClient` never releases its only permit if a transaction cannot begin. Here a transaction takes nothing before
 *   it has begun.
 */
import type * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import type { Client, InArgs, ResultSet, Transaction } from "@libsql/client"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { codeOf } from "../driverCode.js"
import { uptime } from "../uptime.js"
import { deadlineAfter, isRead, makePersist, type Restore } from "./fileLock.js"

/** How long the driver may block the calling thread, in milliseconds. */
const millisInThread = 10

/** How long a caller waits for other writers by default: much longer than a transaction should take. */
const standardBusyTimeout: Duration.DurationInput = "5 seconds"

const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error) ?? "")

// -------------------------------------------------------------------------------------
// the connection
// -------------------------------------------------------------------------------------

/** Runs the calls of the client one after the other. A connection on which a call failed as busy is not used again. */
const oneByOne = (client: Client) => {
  let fresh = true
  let last: Promise<unknown> = Promise.resolve()
  /** A transaction takes the connection from the client. The client opens another one for its next call. */
  const begin = async (mode: "write" | "deferred"): Promise<Transaction> => {
    const transaction = await client.transaction(mode)
    fresh = true
    return transaction
  }
  const drop = async (error: unknown): Promise<never> => {
    if (isBusy(error)) (await begin("deferred")).close()
    throw error
  }
  const run = <A>(call: () => Promise<A>): Promise<A> => {
    const result = last.then(() => {
      if (fresh) {
        fresh = false
        client.execute(`PRAGMA busy_timeout = ${millisInThread}`).catch(() => {})
      }
      return call()
    }).catch(drop)
    last = result.catch(() => {})
    return result
  }
  const askForLock = () => client.executeMultiple("BEGIN IMMEDIATE; ROLLBACK")
  return {
    execute: (sql: string, args: InArgs) => run(() => client.execute({ sql, args })),
    /** Fails as busy if another process is writing. */
    askForLock: () => run(askForLock),
    begin: () => run(() => askForLock().then(() => begin("write")))
  }
}

const connection = (
  run: (sql: string, params: ReadonlyArray<unknown>) => Effect.Effect<ResultSet, SqlError>
): Connection => {
  const execute: Connection["execute"] = (sql, params, transformRows) =>
    Effect.map(run(sql, params), ({ rows }) => transformRows === undefined ? rows : transformRows(rows))
  return {
    execute,
    executeRaw: run,
    executeStream: () => Stream.dieMessage("libsql does not stream"),
    // `any`, because the oldest peers require the type `Primitive`, which has no `ArrayBuffer`.
    executeValues: (sql, params) =>
      Effect.map(run(sql, params), ({ rows }) => rows.map((row): ReadonlyArray<any> => Array.from(row))),
    executeUnprepared: execute
  }
}

const call = <A>(message: string, promise: () => Promise<A>): Effect.Effect<A, SqlError> =>
  Effect.tryPromise({ try: promise, catch: (cause) => new SqlError({ cause, message }) })

// -------------------------------------------------------------------------------------
// waiting
// -------------------------------------------------------------------------------------

const persist = makePersist<SqlError>({ isBusy, firstPause: 5, longestPause: 80 })

/** Admits one transaction of this process, or one statement that waits for another process, at a time. */
const makeTurn = () => {
  let taken = false
  const free = Effect.unsafeMakeLatch(true)
  const take = (until: number, restore: Restore): Effect.Effect<void, SqlError> =>
    Effect.suspend(() => {
      if (!taken) {
        taken = true
        free.unsafeClose()
        return Effect.void
      }
      const wait = Effect.flatMap(uptime, (now) =>
        // Interruptible, so that the deadline ends the wait even if the caller cannot be interrupted.
        Effect.timeoutFail(Effect.interruptible(free.await), {
          duration: Math.max(0, until - now),
          onTimeout: () =>
            new SqlError({
              cause: { code: "SQLITE_BUSY" },
              message: "Another transaction of this process is open, or waits for the lock of the file"
            })
        }))
      return Effect.zipRight(restore(wait), take(until, restore))
    })
  const give = Effect.sync(() => {
    taken = false
    free.unsafeOpen()
  })
  return { give, isTaken: () => taken, take }
}

// -------------------------------------------------------------------------------------
// the client
// -------------------------------------------------------------------------------------

/** The options of a client. */
export interface Options extends LibsqlClient.LibsqlClientConfig.Base {
  readonly url: string
  readonly busyTimeout?: Duration.DurationInput | undefined
}

/** The driver's client over another connection, and with other transactions. */
const make = (driver: LibsqlClient.LibsqlClient, client: Client, options: Options): LibsqlClient.LibsqlClient => {
  const calls = oneByOne(client)
  const turn = makeTurn()
  const deadline = deadlineAfter(Duration.toMillis(options.busyTimeout ?? standardBusyTimeout))

  const inTurn = <A>(statement: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
    Effect.flatMap(deadline, (until) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          turn.take(until, restore),
          Effect.ensuring(persist(statement, until, restore), turn.give)
        )
      ))

  const askForLock = call("Failed to wait for another writer", calls.askForLock)

  /** Outside of a transaction: a write waits for the transaction of this process, a read never waits. */
  const outside = connection((sql, params) => {
    const statement = call("Failed to execute statement", () => calls.execute(sql, params as InArgs))
    return Effect.suspend(() =>
      turn.isTaken() && !isRead(sql)
        ? inTurn(statement)
        : Effect.catchAll(
          statement,
          (error) => isBusy(error) ? inTurn(Effect.zipRight(askForLock, statement)) : Effect.fail(error)
        )
    )
  })

  const inside = (transaction: Transaction) =>
    connection((sql, params) =>
      call("Failed to execute statement", () => transaction.execute({ sql, args: params as InArgs }))
    )

  const begin = (restore: Restore) =>
    Effect.gen(function*() {
      const until = yield* deadline
      yield* turn.take(until, restore)
      const transaction = yield* Effect.onError(
        persist(call("Failed to begin transaction", calls.begin), until, restore),
        () => turn.give
      )
      const scope = yield* Scope.make()
      // Rolls back what was not committed.
      const close = Effect.ignore(Effect.try(() => transaction.close()))
      yield* Scope.addFinalizer(scope, Effect.zipRight(close, turn.give))
      return [scope, inside(transaction)] as const
    })

  const spanAttributes: ReadonlyArray<readonly [string, unknown]> = [
    ...Object.entries(options.spanAttributes ?? {}),
    ["db.system.name", "sqlite"]
  ]
  const acquirer = Effect.map(
    Effect.serviceOption(SqlClient.TransactionConnection),
    Option.match({ onNone: () => outside, onSome: ([connection]) => connection })
  )
  /** The start of a transaction cannot be interrupted. The waits before it can. */
  const withTransaction: SqlClient.SqlClient["withTransaction"] = (effect) =>
    Effect.uninterruptibleMask((restore) =>
      SqlClient.makeWithTransaction({
        transactionTag: SqlClient.TransactionConnection,
        spanAttributes,
        acquireConnection: begin(restore),
        begin: () => Effect.void,
        savepoint: (connection, id) => connection.executeRaw(`SAVEPOINT effect_sql_${id}`, []),
        // Without a write-ahead log, a commit has to wait for readers. The transaction is open until the commit succeeds.
        commit: (connection) =>
          Effect.flatMap(deadline, (until) => persist(connection.executeRaw("COMMIT", []), until, (wait) => wait)),
        rollback: () => Effect.void,
        rollbackSavepoint: (connection, id) => connection.executeRaw(`ROLLBACK TO SAVEPOINT effect_sql_${id}`, [])
      })(restore(effect))
    )

  const compiler = Statement.makeCompilerSqlite(options.transformQueryNames)
  const transformRows = options.transformResultNames === undefined
    ? undefined
    : Statement.defaultTransforms(options.transformResultNames).array
  const over = (statement: Statement.Constructor): LibsqlClient.LibsqlClient => {
    const made: LibsqlClient.LibsqlClient = Object.assign(statement, {
      ...driver,
      ...statement,
      reserve: acquirer,
      withTransaction,
      withoutTransforms: () => plain
    })
    return Object.assign(made, { safe: made })
  }
  const plain: LibsqlClient.LibsqlClient = over(
    Statement.make(acquirer, compiler.withoutTransform, spanAttributes, undefined)
  )
  return options.transformQueryNames === undefined && transformRows === undefined
    ? plain
    // The library caches constructors by the effect that acquires the connection. `suspend` makes another one.
    : over(Statement.make(Effect.suspend(() => acquirer), compiler, spanAttributes, transformRows))
}

/** `createClient` throws a number if it cannot open a file, and an explanation if the URL is wrong. */
const cannotOpen = (url: string) => (cause: unknown): SqlError =>
  new SqlError({
    cause,
    message: codeOf(cause)?.startsWith("URL_") && cause instanceof Error
      ? cause.message
      : `The database ${url} cannot be opened. Create its folder, and give this process the right to write there.`
  })

/** Both parts of the driver are parameters, because commands load them on demand. */
export const layer = (
  driver: Pick<typeof LibsqlClient, "LibsqlClient" | "layer">,
  createClient: (config: { readonly url: string }) => Client,
  options: Options
): Layer.Layer<LibsqlClient.LibsqlClient | SqlClient.SqlClient, SqlError> =>
  Layer.unwrapScoped(Effect.map(
    Effect.acquireRelease(
      Effect.try({ try: () => createClient({ url: options.url }), catch: cannotOpen(options.url) }),
      (client) => Effect.sync(() => client.close())
    ),
    (client) =>
      Layer.map(driver.layer({ ...options, liveClient: client }), (context) => {
        const patient = make(Context.get(context, driver.LibsqlClient), client, options)
        return Context.make(driver.LibsqlClient, patient).pipe(Context.add(SqlClient.SqlClient, patient))
      })
  ))
