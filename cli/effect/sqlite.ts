/**
 * SQLite files, with the embedded driver of the major.
 */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SharedLibsql from "../../src/internal/sql/sharedLibsql.js"
import { CommandFailed } from "../CommandFailed.js"
import { load } from "../driver.js"

/** The file of a URL, such as `file:slack.db`, which is created if it is not there. */
export const sqlite = (url: string): Layer.Layer<SqlClient.SqlClient, CommandFailed> =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const driver = yield* load("@effect/sql-libsql", () => import("@effect/sql-libsql/LibsqlClient"))
    const { createClient } = yield* load("@libsql/client", () => import("@libsql/client"))
    return Layer.mapError(
      SharedLibsql.layer(driver, createClient, { url }),
      ({ message }) => new CommandFailed({ message })
    )
  }))

/** The file of a URI of SQLite's own, which says that nothing is written. */
export const sqliteToRead = (uri: string): Layer.Layer<SqlClient.SqlClient, CommandFailed> =>
  // The driver knows no such URI. It takes this for the name of the file, and SQLite reads the name as a URI.
  sqlite(`file:${encodeURIComponent(uri)}`)
