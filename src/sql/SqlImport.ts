/**
 * The tables of python-slack-sdk (its SQLite3 and SQLAlchemy stores), for `InstallationImport.fromPython`.
 *
 * @since 0.1.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type * as InstallationImport from "../InstallationImport.js"
import { InstallationStoreError } from "../InstallationStore.js"
import { inPages } from "../internal/effect/streams.js"
import { failStore } from "../internal/sql/failure.js"

const pageSize = 500

/**
 * Which rows to read.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** Only rows of this app's client id; several apps may share the tables. */
  readonly clientId?: string | undefined
  /** `slack_installations` by default. */
  readonly installationsTable?: string | undefined
  /** `slack_bots` by default. */
  readonly botsTable?: string | undefined
}

/** All columns that are read. A column that an older version of the SDK did not have is read as `NULL`. */
const names = [
  "app_id",
  "enterprise_id",
  "enterprise_name",
  "team_id",
  "team_name",
  "bot_token",
  "bot_user_id",
  "bot_scopes",
  "bot_refresh_token",
  "bot_token_expires_at",
  "user_id",
  "user_token",
  "user_scopes",
  "user_refresh_token",
  "user_token_expires_at",
  "incoming_webhook_url",
  "incoming_webhook_channel",
  "incoming_webhook_channel_id",
  "incoming_webhook_configuration_url",
  "is_enterprise_install",
  "installed_at"
]

const make = (options: Options) =>
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    const attempt = <A>(statement: Effect.Effect<A, SqlError>) => Effect.catchAll(statement, failStore("import"))

    const source = (table: string) =>
      Effect.map(
        attempt(
          sql.onDialectOrElse({
            pg: () =>
              sql<{ readonly name: string }>`SELECT column_name AS name FROM information_schema.columns
                WHERE table_name = ${table} AND table_schema = ANY (current_schemas(false))`,
            orElse: () => sql<{ readonly name: string }>`SELECT name FROM pragma_table_info(${table})`
          })
        ),
        (columns) => {
          const present = new Set(columns.map(({ name }) => name))
          // As text: a driver reads a timestamp without a zone in the zone of this machine.
          const column = (name: string) =>
            present.has(name) ? sql`CAST(${sql(name)} AS TEXT) AS ${sql(name)}` : sql`NULL AS ${sql(name)}`
          return present.size === 0 ? Option.none() : Option.some(
            sql`SELECT ${`${table} `} AS source, CAST(id AS TEXT) AS id, ${sql.csv(names.map(column))} FROM ${
              sql(table)
            } WHERE ${options.clientId === undefined ? sql.literal("1 = 1") : sql`client_id = ${options.clientId}`}`
          )
        }
      )
    const sources = yield* Effect.all([
      source(options.installationsTable ?? "slack_installations"),
      source(options.botsTable ?? "slack_bots")
    ])
    const rows = sql.join(" UNION ALL ", false)(sources.flatMap(Option.toArray))
    return { attempt, found: sources.some(Option.isSome), rows, sql }
  })

interface Row {
  readonly source: string
  readonly id: string
  readonly app_id: string | null
  readonly is_enterprise_install: string | null
  readonly team_id: string | null
  readonly enterprise_id: string | null
}

/** The order of the rows, which is unique for each row. */
const position = [
  "COALESCE(app_id, '')",
  "COALESCE(is_enterprise_install, '')",
  "COALESCE(team_id, '')",
  "COALESCE(enterprise_id, '')",
  "source",
  "LENGTH(id)",
  "id"
].join(", ")

/**
 * The rows of both tables; those of one workspace follow each other. They are read in pages, and each page begins after
 * the last row of the page before. Stop the other app first: a row that it adds during the import can be missed.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { InstallationImport } from "effect-slack-oauth"
 * import * as SqlImport from "effect-slack-oauth/sql/SqlImport"
 *
 * // It reads from the `SqlClient` in the context, and stores in the `InstallationStore`.
 * const program = InstallationImport.run(InstallationImport.fromPython(SqlImport.rows({ clientId: "123456.7890" }))).pipe(
 *   Effect.tap(({ imported, unreadable }) => Effect.log(`${imported} imported, ${unreadable.length} unreadable`))
 * )
 * ```
 *
 * @since 0.1.0
 * @category reading
 */
export const rows = (
  options: Options = {}
): Stream.Stream<InstallationImport.Row, InstallationStoreError, SqlClient.SqlClient> =>
  Stream.unwrap(Effect.map(make(options), ({ attempt, found, rows, sql }) => {
    if (!found) {
      return Stream.fail(
        new InstallationStoreError({ operation: "import", reason: "unreadable", row: "slack_installations" })
      )
    }
    const order = sql.literal(position)
    const after = (last: Row) =>
      sql`WHERE (${order}) > (${
        sql.csv([
          ...[last.app_id, last.is_enterprise_install, last.team_id, last.enterprise_id, last.source].map((value) =>
            sql`CAST(${value ?? ""} AS TEXT)`
          ),
          sql`LENGTH(CAST(${last.id} AS TEXT))`,
          sql`CAST(${last.id} AS TEXT)`
        ])
      })`
    return inPages(Option.none<Row>(), (last) =>
      Effect.map(
        attempt(
          sql<Row>`SELECT * FROM (${rows}) AS stored ${
            Option.match(last, { onNone: () => sql.literal(""), onSome: after })
          } ORDER BY ${order} LIMIT ${pageSize}`
        ),
        (page) => [
          page.map((value) => ({ row: value.source + value.id, value })),
          page.length < pageSize ? Option.none() : Option.some(Option.fromNullable(page.at(-1)))
        ]
      ))
  }))

/**
 * The number of rows, for a progress bar.
 *
 * @since 0.1.0
 * @category reading
 */
export const count = (options: Options = {}): Effect.Effect<number, InstallationStoreError, SqlClient.SqlClient> =>
  Effect.flatMap(make(options), ({ attempt, found, rows, sql }) =>
    found
      ? Effect.map(
        attempt(sql<{ readonly n: number | string }>`SELECT COUNT(*) AS n FROM (${rows}) AS stored`),
        ([row]) => Number(row?.n ?? 0)
      )
      : Effect.succeed(0))
