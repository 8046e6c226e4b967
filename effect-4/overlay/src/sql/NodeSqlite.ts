/**
 * A SQLite file that several processes use: the `SqlClient` over `node:sqlite`, which comes with Node.
 *
 * It opens the same files as `sql/Libsql` of this package for Effect 3, under the same URLs and with the same promises.
 * The file has a write-ahead log, and a commit waits for the disk. While another process writes, statements and
 * transactions wait on Effect's clock, and fail with `SQLITE_BUSY` if they have waited for too long.
 *
 * @since 1.0.0
 */
import type * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { checkDuration } from "../internal/options.js"
import * as NodeSqlite from "../internal/sql/nodeSqlite.js"

/**
 * A client for a SQLite file. The layer fails if the file cannot be opened: its folder must exist and be writable.
 *
 * @example
 * ```ts
 * import * as TokenCipher from "effect-slack-oauth/TokenCipher"
 * import * as NodeSqlite from "effect-slack-oauth/sql/NodeSqlite"
 * import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
 * import * as Layer from "effect/Layer"
 *
 * const StoreLive = SqlInstallationStore.layer.pipe(
 *   Layer.provide(NodeSqlite.layer({ url: "file:slack.db" })),
 *   Layer.provide(TokenCipher.layerConfig)
 * )
 * ```
 *
 * @since 1.0.0
 * @category layers
 */
export const layer = (options: {
  readonly url: `file:${string}`
  /**
   * How long a statement, or the start of a transaction, waits for other writers before it fails: 5 seconds by default.
   * The event loop runs on, and a wait can be interrupted.
   */
  readonly busyTimeout?: Duration.Input | undefined
  /** Attributes for the spans of statements and transactions. */
  readonly spanAttributes?: Record<string, unknown> | undefined
  /** Changes the names of tables and columns in statements. */
  readonly transformQueryNames?: ((name: string) => string) | undefined
  /** Changes the names of columns in results. */
  readonly transformResultNames?: ((name: string) => string) | undefined
}): Layer.Layer<SqlClient.SqlClient, Config.ConfigError | SqlError> =>
  Layer.unwrap(Effect.map(
    Effect.fromResult(checkDuration("busyTimeout", options.busyTimeout ?? "5 seconds", { zero: true })),
    (busyTimeout) => NodeSqlite.layer({ ...options, busyTimeout })
  ))
