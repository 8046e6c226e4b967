/** SQL stores as a user has them: sealed rows, over a new database. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { connect } from "../../test/utils/databases.js"

const cipher = TokenCipher.layer({
  current: { id: "bench", key: Redacted.make(Buffer.alloc(32, 7).toString("base64")) }
})

/** The store, and the client under it. */
export const sqlStoreOver = <E>(client: Layer.Layer<SqlClient.SqlClient, E>) =>
  SqlInstallationStore.layer.pipe(Layer.provide(cipher), Layer.provideMerge(client), Layer.orDie)

export const sqlStore = (url: string, maxConnections = 10) =>
  SqlInstallationStore.layer.pipe(Layer.provide(connect(url, { maxConnections })), Layer.provide(cipher), Layer.orDie)
