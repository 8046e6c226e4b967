/**
 * The `SqlClient` of a libsql file that other processes write to as well.
 *
 * The driver does its work in the calling thread before it returns a promise. Three of its habits are dealt with here:
 *
 * - It waits for a lock in the calling thread. Here it waits there for some milliseconds only. After that a statement
 *   waits on Effect's clock, and the event loop runs on.
 * - A statement that failed as busy stays open on its connection. What is written there afterwards looks stored, and is
 *   rolled back when the statement is collected. So that connection is not used again, and whoever waits asks for the
 *   lock with `executeMultiple`, which leaves nothing open.
 * - `LibsqlClient` keeps its only permit when a transaction cannot begin. Here a transaction owns nothing before it has
 *   begun.
 */
import type * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import * as SqlClient from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import * as Statement from "@effect/sql/Statement"
import type { Client, InArgs, ResultSet, Transaction } from "@libsql/client"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { codeOf } from "../driverCode.js"

/** How long the driver may stop the calling thread. */
const millisInThread = 10

const longestPause = 80

/** Much longer than any transaction should take. */
const standardPatience: Duration.DurationInput = "5 seconds"

const isBusy = (error: unknown): boolean => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error) ?? "")

const isRead = (statement: string): boolean => /^\s*SELECT\b/i.test(statement)

// -------------------------------------------------------------------------------------
// the connection
// -------------------------------------------------------------------------------------

/** Runs one call of the client after the other, on a connection on which none has failed as busy. */
const oneByOne = (client: Client) => {
  let fresh = true
  let last: Promise<unknown> = Promise.resolve()
  /** To begin a transaction takes the connection away from the client, which opens another when it needs one. */
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
    /** Fails as busy if somebody else is writing. */
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

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const pause = (n: number): Effect.Effect<void> => {
  const millis = Math.min(longestPause, 5 * 2 ** n)
  return Effect.flatMap(Random.nextRange(millis / 2, millis), (millis) => Effect.sleep(millis))
}

/** Runs it again while it is busy, until the time is over. Only pauses can be interrupted. */
const persist = <A>(
  effect: Effect.Effect<A, SqlError>,
  until: number,
  restore: Restore,
  pauses = 0
): Effect.Effect<A, SqlError> =>
  Effect.catchAll(effect, (error) =>
    isBusy(error)
      ? Effect.flatMap(Clock.currentTimeMillis, (now) =>
        now >= until
          ? Effect.fail(error)
          : Effect.zipRight(restore(pause(pauses)), persist(effect, until, restore, pauses + 1)))
      : Effect.fail(error))

/** One transaction of this process, or one statement that waits for another process, at a time. */
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
      const wait = Effect.flatMap(Clock.currentTimeMillis, (now) =>
        // Interruptible, so that the time counts also where the caller cannot be interrupted.
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

/**
 * What a client is made of.
 */
export interface Options extends LibsqlClient.LibsqlClientConfig.Base {
  readonly url: string
  readonly busyTimeout?: Duration.DurationInput | undefined
}

/** The driver's client over another connection, with transactions of its own. */
const make = (driver: LibsqlClient.LibsqlClient, client: Client, options: Options): LibsqlClient.LibsqlClient => {
  const calls = oneByOne(client)
  const turn = makeTurn()
  const patience = Duration.toMillis(options.busyTimeout ?? standardPatience)
  const deadline = Effect.map(Clock.currentTimeMillis, (now) => now + patience)

  const inTurn = <A>(statement: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> =>
    Effect.flatMap(deadline, (until) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.zipRight(
          turn.take(until, restore),
          Effect.ensuring(persist(statement, until, restore), turn.give)
        )
      ))

  const askForLock = call("Failed to wait for another writer", calls.askForLock)

  /** A write waits for this process's own transaction. A read waits for nobody. */
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
      // Rolls back whatever was not committed.
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
  /** A transaction begins where it cannot be interrupted. What it waits for before, can. */
  const withTransaction: SqlClient.SqlClient["withTransaction"] = (effect) =>
    Effect.uninterruptibleMask((restore) =>
      SqlClient.makeWithTransaction({
        transactionTag: SqlClient.TransactionConnection,
        spanAttributes,
        acquireConnection: begin(restore),
        begin: () => Effect.void,
        savepoint: (connection, id) => connection.executeRaw(`SAVEPOINT effect_sql_${id}`, []),
        // In a file without a log, readers can make a commit wait. The transaction is open until it succeeds.
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
    // A constructor of its own: they are remembered by what acquires the connection.
    : over(Statement.make(Effect.suspend(() => acquirer), compiler, spanAttributes, transformRows))
}

/**
 * What `createClient` throws of a file that cannot be opened is a number; of a URL, it is what is wrong with it.
 */
const cannotOpen = (url: string) => (cause: unknown): SqlError =>
  new SqlError({
    cause,
    message: codeOf(cause)?.startsWith("URL_") && cause instanceof Error
      ? cause.message
      : `The database ${url} cannot be opened. Create its folder, and give this process the right to write there.`
  })

/** Both parts of the driver are handed in, since commands load them when they need them. */
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
