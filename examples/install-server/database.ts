/** The stores of installations and pending installs, in a libsql file or in Postgres. */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SqlPendingInstallStore from "effect-slack-oauth/sql/SqlPendingInstallStore"
import type * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"

const isFile = (url: string): url is `file:${string}` => url.startsWith("file:")

const connect = (url: string) =>
  isFile(url) ? Libsql.layer({ url }) : PgClient.layer({ url: Redacted.make(url), connectTimeout: "10 seconds" })

/** The database without its password. */
const nameOf = (url: string) => isFile(url) ? url.slice("file:".length) : `Postgres at ${new URL(url).host}`

/**
 * Stores in the database of `DATABASE_URL` (`file:slack.db` or `postgres://…`), by default in the given file. The keys
 * encrypt tokens.
 */
export const stores = (file: string, keys: Layer.Layer<TokenCipher.TokenCipher, ConfigError.ConfigError>) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const url = yield* Config.withDefault(Config.string("DATABASE_URL"), `file:${file}`)
    yield* Console.log(`Installations are stored in ${nameOf(url)}. Set DATABASE_URL for another database.`)
    return Layer.merge(SqlInstallationStore.layer, SqlPendingInstallStore.layer).pipe(
      Layer.provide(connect(url)),
      Layer.provide(keys)
    )
  }))
