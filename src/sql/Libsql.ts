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
import { type Client, createClient, type InStatement, type TransactionMode } from "@libsql/client"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { codeOf } from "../internal/sqlFailure.js"

/** Much longer than any transaction should take. */
const patienceMillis = 20_000

/** The driver does its work before it returns its promise, so nothing comes between the setting and the statement. */
const patient = (client: Client): Client => {
  const wait = () => {
    void client.execute(`PRAGMA busy_timeout = ${patienceMillis}`)
  }
  /** To begin a transaction takes the connection away from the client, which opens another when it needs one. */
  const drop = async (error: unknown): Promise<never> => {
    if (/^SQLITE_(BUSY|LOCKED)/.test(codeOf(error) ?? "")) (await client.transaction("deferred")).close()
    throw error
  }
  const own: Pick<Client, "batch" | "execute" | "transaction"> = {
    batch: (statements, mode) => {
      wait()
      return client.batch(statements, mode).catch(drop)
    },
    execute: (statement: InStatement) => {
      wait()
      return client.execute(statement).catch(drop)
    },
    transaction: (mode: TransactionMode = "write") => {
      wait()
      return client.transaction(mode).catch(drop)
    }
  }
  return new Proxy(client, {
    get: (target, property) => {
      if (property in own) return own[property as keyof typeof own]
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
}

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
  options: LibsqlClient.LibsqlClientConfig.Base & { readonly url: `file:${string}` }
): Layer.Layer<LibsqlClient.LibsqlClient | SqlClient.SqlClient> =>
  Layer.unwrapScoped(Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => createClient({ url: options.url })),
      (client) => Effect.sync(() => client.close())
    ),
    (client) => LibsqlClient.layer({ ...options, liveClient: patient(client) })
  ))
