/** Removing installations and credentials. A removed row keeps its key and its generation, and nothing else. */
import type { Fragment } from "@effect/sql/Statement"
import type * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type { InstallationStoreError, Service } from "../../InstallationStore.js"
import { installationRowId } from "../rowId.js"
import { run } from "./failure.js"
import { noLease } from "./leases.js"
import { type Int, itself, millisOf } from "./rows.js"
import { rowIdOf, type Table } from "./table.js"

const emptied = ({ now, sql }: Table, removedAt: DateTime.Utc | undefined): Fragment =>
  sql`removed_at = ${removedAt === undefined ? now : sql`${millisOf(removedAt)}`}, details = NULL, scopes = NULL,
    bot_user_id = NULL, secret = NULL, metadata = NULL, expires_at = NULL, dead_code = NULL, dead_since = NULL, ${
    sql.literal(noLease)
  },
    previous_holder = NULL, previous_intent = NULL, previous_since = NULL, previous_until = NULL`

/** The row is not removed, and it is older than a time, if one is given. */
const isThere = ({ sql }: Table, issuedBefore: DateTime.Utc | undefined): Fragment =>
  issuedBefore === undefined
    ? sql.literal("removed_at IS NULL")
    : sql`removed_at IS NULL AND issued_at < ${millisOf(issuedBefore)}`

/** SQLite runs one write after the other, so one statement sees everything that is stored. */
const removeOnSqlite = (table: Table, installation: string, installedBefore: DateTime.Utc | undefined) => {
  const { at, sql } = table
  return Effect.map(
    run(
      "remove",
      sql`UPDATE slack_oauth_installations SET ${emptied(table, installedBefore)}
        WHERE installation = ${installation} AND removed_at IS NULL AND EXISTS (
          SELECT 1 FROM slack_oauth_installations
          WHERE ${at(installation, itself)} AND ${isThere(table, installedBefore)}
        )
        RETURNING subject`,
      installation
    ),
    (rows) => rows.length > 0
  )
}

/**
 * In Postgres, a statement does not see credentials that are added while it waits for the installation's own row. They
 * would remain. But every caller who adds credentials changes the generation of that row. So if the generation is not the
 * one that the statement saw first, the statement changes nothing and runs again. It locks the own row before the others.
 */
const removeOnPostgres = (
  table: Table,
  installation: string,
  installedBefore: DateTime.Utc | undefined
): Effect.Effect<boolean, InstallationStoreError> => {
  const { at, sql } = table
  const empty = emptied(table, installedBefore)
  return Effect.flatMap(
    run(
      "remove",
      sql<{ readonly present: Int; readonly removed: Int }>`
        WITH present AS (
          SELECT generation FROM slack_oauth_installations
          WHERE ${at(installation, itself)} AND ${isThere(table, installedBefore)}
        ), own AS (
          UPDATE slack_oauth_installations SET ${empty}
          WHERE ${at(installation, itself)} AND removed_at IS NULL AND generation = (SELECT generation FROM present)
          RETURNING installation
        ), credentials AS (
          UPDATE slack_oauth_installations SET ${empty}
          WHERE installation = (SELECT installation FROM own) AND subject <> '' AND removed_at IS NULL
        )
        SELECT (SELECT COUNT(*) FROM present) AS present, (SELECT COUNT(*) FROM own) AS removed`,
      installation
    ),
    ([row]) =>
      Number(row?.removed) === 1
        ? Effect.succeed(true)
        : Number(row?.present) === 0
        ? Effect.succeed(false)
        : removeOnPostgres(table, installation, installedBefore)
  )
}

export const removing = (table: Table): Pick<Service, "remove" | "removeCredential"> => {
  const { at, sql } = table
  const remove = sql.onDialectOrElse({ pg: () => removeOnPostgres, orElse: () => removeOnSqlite })
  return {
    remove: (key, options) => remove(table, installationRowId(key), options?.installedBefore),
    removeCredential: ({ installation, subject }, options) => {
      if (subject === itself) return Effect.succeed(false)
      const key = { installation: installationRowId(installation), subject }
      return Effect.map(
        run(
          "removeCredential",
          sql`UPDATE slack_oauth_installations SET ${emptied(table, options?.issuedBefore)}
            WHERE ${at(key.installation, subject)} AND ${isThere(table, options?.issuedBefore)}
            RETURNING subject`,
          rowIdOf(key)
        ),
        (rows) => rows.length > 0
      )
    }
  }
}
