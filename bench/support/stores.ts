/** SQL stores as an application has them: encrypted rows in a new database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { connect, libsqlUrl, schemaUrl, sqliteNodeUrl } from "../../test/utils/databases.js"
import * as SqliteNode from "../../test/utils/sqliteNode.js"

const cipher = TokenCipher.layer({
  current: { id: "bench", key: Redacted.make(Buffer.alloc(32, 7).toString("base64")) }
})

/** The store, and the client under it. */
export const sqlStoreOver = <E>(client: Layer.Layer<SqlClient.SqlClient, E>) =>
  SqlInstallationStore.layer.pipe(Layer.provide(cipher), Layer.provideMerge(client), Layer.orDie)

export const sqlStore = (url: string, maxConnections = 10) =>
  SqlInstallationStore.layer.pipe(Layer.provide(connect(url, { maxConnections })), Layer.provide(cipher), Layer.orDie)

/** A new, empty database of each kind that is installed. */
export const newDatabases = (
  postgres: string
): Readonly<Record<string, Effect.Effect<string, unknown, Scope.Scope>>> => {
  if (SqliteNode.missing !== undefined) console.log(`Left out: ${SqliteNode.missing}`)
  return {
    libsql: libsqlUrl,
    ...(SqliteNode.missing === undefined ? { "sqlite-node": sqliteNodeUrl } : undefined),
    Postgres: schemaUrl(postgres)
  }
}
