/** Where installations, and installs under way, are kept: a libsql file, or Postgres. */
import { PgClient } from "@effect/sql-pg"
import { Config, type ConfigError, Console, Effect, Layer, Redacted } from "effect"
import type { TokenCipher } from "effect-slack-oauth"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SqlPendingInstallStore from "effect-slack-oauth/sql/SqlPendingInstallStore"

const isFile = (url: string): url is `file:${string}` => url.startsWith("file:")

const connect = (url: string) =>
  isFile(url) ? Libsql.layer({ url }) : PgClient.layer({ url: Redacted.make(url), connectTimeout: "10 seconds" })

/** The URL without what nobody should see. */
const nameOf = (url: string) => isFile(url) ? url.slice("file:".length) : `Postgres at ${new URL(url).host}`

/**
 * Stores in the database of `DATABASE_URL` (`file:slack.db`, or `postgres://…`), or in a file here. Tokens are sealed
 * with the given keys.
 */
export const stores = (file: string, keys: Layer.Layer<TokenCipher.TokenCipher, ConfigError.ConfigError>) =>
  Layer.unwrapEffect(Effect.gen(function*() {
    const url = yield* Config.withDefault(Config.string("DATABASE_URL"), `file:${file}`)
    yield* Console.log(`Installations are kept in ${nameOf(url)}. DATABASE_URL names another database.`)
    return Layer.merge(SqlInstallationStore.layer, SqlPendingInstallStore.layer).pipe(
      Layer.provide(connect(url)),
      Layer.provide(keys)
    )
  }))
