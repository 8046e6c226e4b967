/**
 * SQLite files, with the embedded driver of the major.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as NodeSqlite from "../../src/internal/sql/nodeSqlite.js"
import { CommandFailed } from "../CommandFailed.js"

const busyTimeout = Duration.seconds(5)

const orFailed = (layer: Layer.Layer<SqlClient.SqlClient, SqlError>): Layer.Layer<SqlClient.SqlClient, CommandFailed> =>
  layer.pipe(Layer.catch(({ message }) => Layer.effectContext(Effect.fail(new CommandFailed({ message })))))

/** The file of a URL, such as `file:slack.db`, which is created if it is not there. */
export const sqlite = (url: string): Layer.Layer<SqlClient.SqlClient, CommandFailed> =>
  orFailed(NodeSqlite.layer({ url, busyTimeout }))

/** The file of a URI of SQLite's own, which says that nothing is written. */
export const sqliteToRead = (uri: string): Layer.Layer<SqlClient.SqlClient, CommandFailed> =>
  orFailed(NodeSqlite.layerToRead({ uri, busyTimeout }))
