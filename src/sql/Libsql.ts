/**
 * A libsql file that several processes may use: `LibsqlClient` of `@effect/sql-libsql`, made safe for that.
 *
 * The driver has two habits that lose data when somebody else is writing. Its connections do not wait, they fail with
 * `SQLITE_BUSY`. And a statement that failed so stays open on its connection: what is written there afterwards looks
 * stored, and is rolled back when the statement is collected. So here every connection waits for other writers (which
 * takes milliseconds, in the calling thread), and one that failed nevertheless is not used again.
 *
 * @since 0.1.0
 */
import * as LibsqlClient from "@effect/sql-libsql/LibsqlClient"
import type * as SqlClient from "@effect/sql/SqlClient"
import { createClient } from "@libsql/client"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { patient, standardPatience } from "../internal/patientLibsql.js"

/**
 * A client for a libsql file.
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
    /** How long a statement waits for other writers before it fails; 20 seconds if not given. */
    readonly busyTimeout?: Duration.DurationInput | undefined
  }
): Layer.Layer<LibsqlClient.LibsqlClient | SqlClient.SqlClient> =>
  Layer.unwrapScoped(Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => createClient({ url: options.url })),
      (client) => Effect.sync(() => client.close())
    ),
    (client) =>
      LibsqlClient.layer({
        ...options,
        liveClient: patient(client, Duration.toMillis(options.busyTimeout ?? standardPatience))
      })
  ))
