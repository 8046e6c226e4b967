/**
 * A SQLite file through Node's own driver: opens it, runs statements, and says how they fail.
 *
 * The driver works in the calling thread. A statement that finds the file locked fails after a millisecond.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { SafeIntegers } from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import { fileURLToPath } from "node:url"

// -------------------------------------------------------------------------------------
// failures
// -------------------------------------------------------------------------------------

/** https://www.sqlite.org/rescode.html: the result codes that say something to those who operate the database. */
const codes: Readonly<Record<number, string>> = {
  3: "SQLITE_PERM",
  5: "SQLITE_BUSY",
  6: "SQLITE_LOCKED",
  8: "SQLITE_READONLY",
  10: "SQLITE_IOERR",
  11: "SQLITE_CORRUPT",
  13: "SQLITE_FULL",
  14: "SQLITE_CANTOPEN",
  19: "SQLITE_CONSTRAINT",
  23: "SQLITE_AUTH",
  26: "SQLITE_NOTADB"
}

/** A failure of the driver, with SQLite's code where the driver has its own for everything. */
class SqliteFailure extends Error {
  readonly code: string
  constructor(cause: Error & { readonly errcode: number }) {
    super(cause.message, { cause })
    this.code = codes[cause.errcode & 0xff] ?? `SQLITE_${cause.errcode}`
  }
}

const hasResultCode = (cause: unknown): cause is Error & { readonly errcode: number } =>
  cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number"

const failure = (operation: string, message: string) => (cause: unknown): SqlError =>
  new SqlError({
    reason: classifySqliteError(hasResultCode(cause) ? new SqliteFailure(cause) : cause, { message, operation })
  })

/** Whether a statement found the file locked. It has done nothing, and can be repeated. */
export const isBusy = (error: SqlError): boolean => error.reason._tag === "LockTimeoutError"

// -------------------------------------------------------------------------------------
// opening
// -------------------------------------------------------------------------------------

/** How long SQLite may block the thread, in milliseconds. `Migrations` gives seconds to connections that have zero here. */
const timeout = 1

const pathOf = (url: string): string => {
  if (/[?#]/.test(url)) throw new Error("Leave out what follows the path")
  const path = url.startsWith("file://") ? fileURLToPath(url) : decodeURIComponent(url.slice("file:".length))
  if (path === "" || path === ":memory:") throw new Error("A database in memory is not shared by two connections")
  return path
}

const openAt = (location: string, url: string): Effect.Effect<DatabaseSync, SqlError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => new DatabaseSync(location, { timeout }),
      catch: failure(
        "open",
        `The database ${url} cannot be opened. Create its folder, and give this process the right to write there.`
      )
    }),
    (database) => Effect.sync(() => database.close())
  )

/** Opens a file, and closes it with the scope. A file that does not exist is created, but not its folder. */
export const open = (url: string): Effect.Effect<DatabaseSync, SqlError, Scope.Scope> =>
  Effect.try({ try: () => pathOf(url), catch: failure("open", `${url} is not the URL of a file. Write file:slack.db`) })
    .pipe(Effect.flatMap((path) => openAt(path, url)))

/** The same by a URI of SQLite's own, which says how: https://www.sqlite.org/uri.html */
export const openUri = (uri: string): Effect.Effect<DatabaseSync, SqlError, Scope.Scope> => openAt(uri, uri)

// -------------------------------------------------------------------------------------
// statements
// -------------------------------------------------------------------------------------

/**
 * What the driver can store. It takes other objects for named parameters, and then stores NULL without a word, and one of
 * the supported versions refuses booleans.
 */
const toInput = (value: unknown): SQLInputValue => {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return value
    case "boolean":
      return Number(value)
    case "undefined":
      return null
  }
  if (value === null || ArrayBuffer.isView(value)) return value as SQLInputValue
  throw new TypeError("SQLite stores texts, numbers, booleans and bytes, and nothing else. Convert the value first")
}

/** How the result of a statement is read. */
type Read<A> = (statement: StatementSync, params: ReadonlyArray<SQLInputValue>) => A

const rows: Read<ReadonlyArray<any>> = (statement, params) => statement.all(...params)

const values: Read<ReadonlyArray<ReadonlyArray<any>>> = (statement, params) => {
  statement.setReturnArrays(true)
  return statement.all(...params) as ReadonlyArray<any>
}

const raw: Read<unknown> = (statement, params) =>
  statement.columns().length > 0 ? statement.all(...params) : statement.run(...params)

/** Runs one statement. A prepared statement is not kept: preparing it again takes some microseconds. */
const run = <A>(database: DatabaseSync, sql: string, params: ReadonlyArray<unknown>, read: Read<A>) =>
  Effect.withFiber((fiber: Fiber.Fiber<unknown, unknown>) =>
    Effect.try({
      try: () => {
        const statement = database.prepare(sql)
        if (Context.get(fiber.context, SafeIntegers)) statement.setReadBigInts(true)
        return read(statement, params.map(toInput))
      },
      catch: failure("execute", "Failed to execute statement")
    })
  )

/** Where a statement runs, and what it waits for. */
export interface Way {
  readonly database: DatabaseSync
  readonly around: <A>(statement: Effect.Effect<A, SqlError>) => Effect.Effect<A, SqlError>
}

/** A connection that chooses a way for each statement. */
export const connection = (wayOf: (sql: string) => Way): Connection => {
  const send = <A>(sql: string, params: ReadonlyArray<unknown>, read: Read<A>): Effect.Effect<A, SqlError> => {
    const { around, database } = wayOf(sql)
    return around(run(database, sql, params, read))
  }
  const execute: Connection["execute"] = (sql, params, transformRows) => {
    const found = send(sql, params, rows)
    return transformRows === undefined ? found : Effect.map(found, transformRows)
  }
  const executeValues: Connection["executeValues"] = (sql, params) => send(sql, params, values)
  return {
    execute,
    executeUnprepared: execute,
    executeRaw: (sql, params) => send(sql, params, raw),
    executeValues,
    executeValuesUnprepared: executeValues,
    executeStream: (sql, params, transformRows) => Stream.fromIterableEffect(execute(sql, params, transformRows))
  }
}

/** A statement without parameters and without a result. */
export const exec = (database: DatabaseSync, sql: string): Effect.Effect<void, SqlError> =>
  Effect.try({ try: () => database.exec(sql), catch: failure(sql, `${sql} failed`) })
