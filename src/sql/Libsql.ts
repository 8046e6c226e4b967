/**
 * A libsql file that several processes use: the `LibsqlClient` of `@effect/sql-libsql`, made safe for this.
 *
 * The driver's own layer is for a process that uses the file alone. While another process writes, it stops the event loop
 * or fails. It can lose later writes, and it can stop answering. Here statements and transactions wait for other writers
 * on Effect's clock, and fail with `SQLITE_BUSY` if they have waited for too long.
 *
 * @since 0.1.0
 */
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import type * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { createClient } from "@libsql/client"
import type * as ConfigError from "effect/ConfigError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { checkDuration } from "../internal/options.js"
import * as SharedLibsql from "../internal/sql/sharedLibsql.js"

/**
 * A client for a libsql file. The layer fails if the file cannot be opened: its folder must exist and be writable.
 *
 * @example
 * ```ts
 * import { TokenCipher } from "effect-slack-oauth"
 * import * as Libsql from "effect-slack-oauth/sql/Libsql"
 * import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
 * import { Layer } from "effect"
 *
 * const StoreLive = SqlInstallationStore.layer.pipe(
 *   Layer.provide(Libsql.layer({ url: "file:slack.db" })),
 *   Layer.provide(TokenCipher.layerConfig)
 * )
 * ```
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: LibsqlClient.LibsqlClientConfig.Base & {
    readonly url: `file:${string}`
    /**
     * How long a statement, or the start of a transaction, waits for other writers before it fails: 5 seconds by
     * default. The event loop runs on, and a wait can be interrupted.
     */
    readonly busyTimeout?: Duration.DurationInput | undefined
  }
): Layer.Layer<LibsqlClient.LibsqlClient | SqlClient.SqlClient, ConfigError.ConfigError | SqlError> =>
  Layer.unwrapEffect(Effect.as(
    checkDuration("busyTimeout", options.busyTimeout ?? "5 seconds", { zero: true }),
    SharedLibsql.layer(LibsqlClient, createClient, options)
  ))
