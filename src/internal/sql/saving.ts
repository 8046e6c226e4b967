/**
 * Storing an installation with its credentials: an install replaces what is stored, an import keeps it.
 *
 * An install that was stored before changes no credential: its tokens may have been refreshed since. The details of a
 * credential are the digests of the refresh tokens that the last installs brought, the latest first.
 *
 * Stored secrets are decrypted before they are replaced: a process with the wrong keys must not overwrite what others can
 * read. So an install reads before it writes. On Postgres, where each statement is a round trip, one statement does both:
 * it returns the stored secrets, or inserts the rows if there are none. So a new installation is a single round trip.
 */
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment, Statement } from "@effect/sql/Statement"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../../Installation.js"
import type { InstallationStoreError, Service } from "../../InstallationStore.js"
import { rememberedInstalls } from "../installationRow.js"
import { sha256 } from "../random.js"
import { installationRowId, metadataRowId } from "../rowId.js"
import { inTransaction, run } from "./failure.js"
import { readCredential } from "./reading.js"
import { columnNames, columnTypes, credentialRow, encodeWebhook, type Int, itself, ownRow, type Row } from "./rows.js"
import { rowIdOf, type SecretRow, type Table } from "./table.js"
import * as Tokens from "./tokens.js"

const operation = "save"

/** How many rows one statement writes at most: databases limit the parameters of a statement. */
const rowsPerStatement = 2000

/** The installation's own row, and one for each credential. */
type InstallationRows = readonly [own: Row, ...credentials: ReadonlyArray<Row>]

/** The digest of the refresh token that an install brings; `null` for a token that does not rotate. */
const originOf = (credential: Installation.Credential): Effect.Effect<string | null> =>
  Option.match(Installation.refreshTokenOf(credential), {
    onNone: () => Effect.succeed(null),
    onSome: (token) => Effect.promise(() => sha256(Redacted.value(token)))
  })

const toRows = (
  { cipher }: Table,
  id: string,
  installation: Installation.Installation
): Effect.Effect<InstallationRows> =>
  Effect.gen(function*() {
    const { incomingWebhook: webhook, metadata } = installation
    const own = ownRow(id, installation, {
      secret: Option.isNone(webhook)
        ? null
        : yield* cipher.seal(encodeWebhook(webhook.value), rowIdOf({ installation: id, subject: itself })),
      metadata: Option.isNone(metadata)
        ? null
        : yield* cipher.seal(Redacted.value(metadata.value), metadataRowId(id))
    })
    const credentials: Array<Row> = []
    for (const credential of installation.credentials) {
      const subject = Installation.subjectOf(credential)
      const tokens = Tokens.encode(Tokens.tokensOf(credential.token))
      const secret = yield* cipher.seal(tokens, rowIdOf({ installation: id, subject }))
      const details = yield* originOf(credential)
      credentials.push(credentialRow(id, subject, credential, { details, secret }))
    }
    return [own, ...credentials]
  })

// -------------------------------------------------------------------------------------
// statements
// -------------------------------------------------------------------------------------

/** A row that was written. */
interface Written {
  readonly subject: string
  readonly generation: Int
}

const rowOf = ({ sql }: Table, value: (name: keyof Row) => Fragment): Fragment =>
  sql`(${sql.csv(columnNames.map(value))})`

/** Rows to insert. In a `SELECT`, Postgres has to be told the types; it takes those of the first row. */
const source = (table: Table, rows: ReadonlyArray<Row>, insertIf: Fragment | undefined): Fragment => {
  const { sql } = table
  const values = rows.map((row, index) =>
    rowOf(table, (name) =>
      index === 0 && insertIf !== undefined
        ? sql`CAST(${row[name]} AS ${sql.literal(columnTypes[name])})`
        : sql`${row[name]}`)
  )
  return insertIf === undefined
    ? sql`VALUES ${sql.csv(values)}`
    : sql`SELECT * FROM (VALUES ${sql.csv(values)}) AS incoming WHERE ${insertIf}`
}

/** The digest of an install before those of the last ones. A digest has 43 characters, and a space follows it. */
const origins = `excluded.details || COALESCE(' ' || SUBSTR(stored.details, 1, ${
  44 * (rememberedInstalls - 1) - 1
}), '')`

/** The conditions of an {@link upsert}. Without `insertIf`, the rows are always inserted. */
interface Conditions {
  readonly insertIf?: Fragment
  readonly replaceIf: Fragment
}

/** Inserts rows, and replaces those that are stored. */
const upsert = (
  table: Table,
  rows: ReadonlyArray<Row>,
  { insertIf, replaceIf }: Conditions
): Statement<Written> => {
  const { columns, sql } = table
  return sql<Written>`
    INSERT INTO slack_oauth_installations AS stored (${columns}) ${source(table, rows, insertIf)}
    ON CONFLICT (installation, subject) DO UPDATE SET
      generation = stored.generation + 1,
      issued_at = CASE
        WHEN stored.subject = '' AND stored.removed_at IS NULL AND stored.issued_at > excluded.issued_at
        THEN stored.issued_at ELSE excluded.issued_at END,
      details = CASE WHEN stored.subject = '' THEN excluded.details ELSE ${sql.literal(origins)} END,
      scopes = excluded.scopes,
      bot_user_id = excluded.bot_user_id,
      secret = COALESCE(excluded.secret, stored.secret),
      metadata = COALESCE(excluded.metadata, stored.metadata),
      expires_at = excluded.expires_at,
      dead_code = excluded.dead_code,
      dead_since = excluded.dead_since,
      removed_at = NULL
    WHERE ${replaceIf}
    RETURNING subject, generation`
}

const upsertAll = (table: Table, rows: ReadonlyArray<Row>, conditions: Conditions) =>
  Arr.chunksOf(rows, rowsPerStatement).map((piece) => upsert(table, piece, conditions))

/** What an install replaces: its own row, and each credential that has not had the token that it brings. */
const isNew = "stored.subject = '' OR (REPLACE(stored.details, excluded.details, '') <> stored.details) IS NOT TRUE"

/** The installation's own row comes first: while it is locked, nobody else saves this installation or removes it. */
const replaceRows = (table: Table, rows: InstallationRows) =>
  upsertAll(table, rows, { replaceIf: table.sql.literal(isNew) })

/** What an import replaces: rows that were removed before the installation that it brings. */
const isOlder = "stored.removed_at IS NOT NULL AND stored.removed_at < excluded.issued_at"

/** SQLite runs one write after the other: before the statement, the installation's own row decides over all rows. */
const keepOnSqlite = (table: Table, rows: InstallationRows) => {
  const { at, sql } = table
  const [own] = rows
  const isNotRemoved = sql`NOT EXISTS (
    SELECT 1 FROM slack_oauth_installations
    WHERE ${at(own.installation, itself)} AND removed_at >= ${own.issued_at}
  )`
  return upsertAll(table, rows, { insertIf: isNotRemoved, replaceIf: sql.literal(isOlder) })
}

/** Postgres: the installation's own row is locked first. Then it decides over the credentials. */
const keepOnPostgres = (table: Table, [own, ...credentials]: InstallationRows) => {
  const { at, sql } = table
  const replaceIf = sql.literal(isOlder)
  const insertIf = sql`EXISTS (
    SELECT 1 FROM slack_oauth_installations WHERE ${at(own.installation, itself)} AND removed_at IS NULL
  )`
  // A removal that waits for the lock sees by the generation that it has to begin again.
  const changeGeneration = sql<Written>`UPDATE slack_oauth_installations SET generation = generation + 1
    WHERE ${at(own.installation, itself)}`
  return [
    upsert(table, [own], { replaceIf }),
    changeGeneration,
    ...upsertAll(table, credentials, { insertIf, replaceIf })
  ]
}

/** Runs the statements, all of them or none. */
const write = (
  { sql }: Table,
  id: string,
  statements: ReadonlyArray<Effect.Effect<ReadonlyArray<Written>, SqlError>>
): Effect.Effect<ReadonlyArray<Written>, InstallationStoreError> => {
  const [first, ...rest] = statements
  return run(
    operation,
    first !== undefined && rest.length === 0
      ? first
      : inTransaction(sql, Effect.map(Effect.all(statements), (results) => results.flat())),
    id
  )
}

// -------------------------------------------------------------------------------------
// what is stored
// -------------------------------------------------------------------------------------

/** The secrets that are stored where these rows will be. */
const selectSecrets = ({ secretColumns, sql }: Table, rows: InstallationRows): Statement<SecretRow> =>
  sql<SecretRow>`SELECT ${secretColumns} FROM slack_oauth_installations
    WHERE installation = ${rows[0].installation} AND ${sql.in("subject", rows.map(({ subject }) => subject))}
      AND secret IS NOT NULL`

const openAll = ({ open }: Table, stored: ReadonlyArray<SecretRow>): Effect.Effect<void, InstallationStoreError> =>
  Effect.forEach(stored, (row) => open(operation, row), { discard: true })

const checkStored = (table: Table, id: string, rows: InstallationRows): Effect.Effect<void, InstallationStoreError> =>
  Effect.flatMap(run(operation, selectSecrets(table, rows), id), (stored) => openAll(table, stored))

/** Postgres: inserts the rows if no secret is stored there. Either the secrets are returned, or what was written. */
const insertOrSelect = (table: Table, rows: InstallationRows): Statement<Written & SecretRow> => {
  const { sql } = table
  return sql<Written & SecretRow>`
    WITH present AS (${selectSecrets(table, rows)}),
      written AS (${
    upsert(table, rows, {
      insertIf: sql.literal("NOT EXISTS (SELECT 1 FROM present)"),
      replaceIf: sql.literal(isNew)
    })
  })
    SELECT 0 AS generation, installation, subject, issued_at, expires_at, dead_since, secret FROM present
    UNION ALL
    SELECT generation, NULL, subject, NULL, NULL, NULL, NULL FROM written`
}

const replaceOnPostgres = (
  table: Table,
  id: string,
  rows: InstallationRows
): Effect.Effect<ReadonlyArray<Written>, InstallationStoreError> =>
  Effect.flatMap(
    run(operation, insertOrSelect(table, rows), id),
    (found) =>
      found.every(({ secret }) => secret === null)
        ? Effect.succeed(found)
        : Effect.zipRight(openAll(table, found), write(table, id, replaceRows(table, rows)))
  )

/** Reads, checks, and writes. */
const checkAndWrite = (
  table: Table,
  id: string,
  rows: InstallationRows,
  statements: (table: Table, rows: InstallationRows) => Parameters<typeof write>[2]
): Effect.Effect<ReadonlyArray<Written>, InstallationStoreError> =>
  Effect.zipRight(checkStored(table, id, rows), Effect.suspend(() => write(table, id, statements(table, rows))))

// -------------------------------------------------------------------------------------
// saving
// -------------------------------------------------------------------------------------

export const saving = (table: Table): Pick<Service, "save"> => {
  const keepRows = table.sql.onDialectOrElse({ pg: () => keepOnPostgres, orElse: () => keepOnSqlite })
  const replace = table.sql.onDialectOrElse({
    pg: () => (id: string, rows: InstallationRows) =>
      rows.length <= rowsPerStatement
        ? replaceOnPostgres(table, id, rows)
        : checkAndWrite(table, id, rows, replaceRows),
    orElse: () => (id: string, rows: InstallationRows) => checkAndWrite(table, id, rows, replaceRows)
  })
  return {
    save: (installation, options) =>
      Effect.gen(function*() {
        const id = installationRowId(installation.key)
        const rows = yield* toRows(table, id, installation)
        const written = yield* options?.existing === "keep"
          ? checkAndWrite(table, id, rows, keepRows)
          : replace(id, rows)
        const generations = new Map(written.map(({ generation, subject }) => [subject, Number(generation)]))
        const credentials: Array<Installation.Credential> = []
        for (const credential of installation.credentials) {
          const subject = Installation.subjectOf(credential)
          const generation = generations.get(subject)
          const stored = generation === undefined
            ? yield* readCredential(table, operation, { installation: id, subject })
            : Option.some(Installation.atGeneration(credential, generation))
          if (Option.isSome(stored)) credentials.push(stored.value)
        }
        return Installation.withCredentials(installation, credentials)
      })
  }
}
