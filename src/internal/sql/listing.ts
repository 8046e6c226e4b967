/** Passes over all rows: streams in pages, and counts. */
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import {
  type Counts,
  type CredentialInfo,
  fromCipherError,
  type InstallationStoreError,
  type Reencrypted,
  type Selection,
  type Service
} from "../../InstallationStore.js"
import { inPages } from "../effect/streams.js"
import { credentialKeyOf, keyOfRow } from "../installationKey.js"
import { openAny } from "../plainText.js"
import { metadataRowId } from "../rowId.js"
import { run, unreadable } from "./failure.js"
import { toInstallation } from "./reading.js"
import { hasTimes, type InfoRow, type Int, millisOf, reauthorizationOf, type Row, type RowKey, timeOf } from "./rows.js"
import { rowIdOf, type Table } from "./table.js"

// -------------------------------------------------------------------------------------
// pages
// -------------------------------------------------------------------------------------

/** How many rows a stream reads at a time. */
const pageSize = 500

/** Rows in pages. Each page begins after the last row of the page before. */
const pages = <A>(
  operation: string,
  page: (last: Option.Option<A>) => Effect.Effect<ReadonlyArray<A>, SqlError>
): Stream.Stream<A, InstallationStoreError> =>
  inPages(
    Option.none<A>(),
    (last) =>
      Effect.map(
        run(operation, page(last)),
        (rows) => [rows, rows.length < pageSize ? Option.none() : Option.some(Option.fromNullable(rows.at(-1)))]
      )
  )

const after = <A>({ sql }: Table, last: Option.Option<A>, condition: (row: A) => Fragment): Fragment =>
  Option.isNone(last) ? sql.literal("") : sql`AND ${condition(last.value)}`

/** Rows of a condition, in the order of their keys. */
const byKey = <A extends RowKey>(table: Table, operation: string, columns: Fragment, where: Fragment) => {
  const { sql } = table
  return pages<A>(operation, (last) =>
    sql<A>`SELECT ${columns} FROM slack_oauth_installations
      WHERE ${where} ${
      after(table, last, (row) => sql`(installation, subject) > (${row.installation}, ${row.subject})`)
    }
      ORDER BY installation, subject LIMIT ${pageSize}`)
}

// -------------------------------------------------------------------------------------
// installations and credentials
// -------------------------------------------------------------------------------------

const installations = (table: Table): Service["stream"] =>
  byKey<Row>(table, "stream", table.columns, table.sql.literal("removed_at IS NULL")).pipe(
    Stream.groupAdjacentBy(({ installation }) => installation),
    Stream.mapEffect(([, rows]) => toInstallation(table, "stream", Array.from(rows))),
    Stream.filterMap((installation) => installation)
  )

const toInfo = (row: InfoRow): Effect.Effect<CredentialInfo, InstallationStoreError> => {
  const installation = keyOfRow(row.installation)
  return Option.isNone(installation) || !hasTimes(row)
    ? Effect.fail(unreadable("credentials", rowIdOf(row)))
    : Effect.succeed({
      key: credentialKeyOf(installation.value, row.subject),
      generation: Number(row.generation),
      issuedAt: timeOf(row.issued_at),
      expiresAt: Option.map(Option.fromNullable(row.expires_at), timeOf),
      reauthorization: reauthorizationOf(row)
    })
}

/** Which rows of credentials a selection takes. */
const states: Readonly<Record<Selection["state"], string>> = {
  rotating: "expires_at IS NOT NULL AND dead_code IS NULL",
  permanent: "expires_at IS NULL AND dead_code IS NULL",
  dead: "dead_code IS NOT NULL"
}

const credentials = (table: Table): Service["credentials"] => (selection) => {
  const { infoColumns, sql } = table
  const where = sql`subject <> '' AND removed_at IS NULL AND ${sql.literal(states[selection.state])}`
  if (selection.state !== "rotating" || selection.expiresBefore === undefined) {
    return Stream.mapEffect(byKey<InfoRow>(table, "credentials", infoColumns, where), toInfo)
  }
  const before = millisOf(selection.expiresBefore)
  return Stream.mapEffect(
    pages<InfoRow>("credentials", (last) =>
      sql<InfoRow>`SELECT ${infoColumns} FROM slack_oauth_installations
        WHERE ${where} AND expires_at < ${before} ${
        after(
          table,
          last,
          (row) => sql`(expires_at, installation, subject) > (${row.expires_at}, ${row.installation}, ${row.subject})`
        )
      }
        ORDER BY expires_at, installation, subject LIMIT ${pageSize}`),
    toInfo
  )
}

const counts = ({ sql }: Table): Service["counts"] => (options) => {
  const count = (condition: Fragment) => sql`SUM(CASE WHEN ${condition} THEN 1 ELSE 0 END)`
  const credential = (state: Selection["state"]) => count(sql.literal(`subject <> '' AND ${states[state]}`))
  const before = options?.expiringBefore
  const expiring = before === undefined
    ? sql.literal("0")
    : count(sql`${sql.literal(`subject <> '' AND ${states.rotating}`)} AND expires_at < ${millisOf(before)}`)
  return Effect.map(
    run(
      "counts",
      sql<{ readonly [K in keyof Counts]: Int | null }>`SELECT
          ${count(sql.literal("subject = ''"))} AS installations,
          ${count(sql.literal("subject = 'bot'"))} AS bots,
          ${count(sql.literal("subject <> '' AND subject <> 'bot'"))} AS users,
          ${credential("rotating")} AS rotating,
          ${credential("permanent")} AS permanent,
          ${credential("dead")} AS dead,
          ${expiring} AS expiring
        FROM slack_oauth_installations WHERE removed_at IS NULL`
    ),
    ([row]) => ({
      installations: Number(row?.installations ?? 0),
      bots: Number(row?.bots ?? 0),
      users: Number(row?.users ?? 0),
      rotating: Number(row?.rotating ?? 0),
      permanent: Number(row?.permanent ?? 0),
      dead: Number(row?.dead ?? 0),
      expiring: Number(row?.expiring ?? 0)
    })
  )
}

// -------------------------------------------------------------------------------------
// new keys
// -------------------------------------------------------------------------------------

/** A column with sealed texts, and what each is bound to. */
const sealedColumns = {
  secret: rowIdOf,
  metadata: ({ installation }: RowKey) => metadataRowId(installation)
} as const

/** What one column of a row has. */
type SealedText = RowKey & { readonly sealed: string }

/** Seals a text under the current key, if nobody has changed it since it was read. */
const reencryptText = (
  { at, cipher, sql }: Table,
  column: keyof typeof sealedColumns,
  row: SealedText
): Effect.Effect<Option.Option<Reencrypted>, InstallationStoreError> =>
  Effect.gen(function*() {
    const id = sealedColumns[column](row)
    const opened = yield* Effect.either(openAny(cipher, row.sealed, id))
    if (opened._tag === "Left") {
      return Option.some({ row: id, error: Option.some(fromCipherError("reencrypt", id)(opened.left)) })
    }
    const written = yield* run(
      "reencrypt",
      sql`UPDATE slack_oauth_installations SET ${sql.literal(column)} = ${yield* cipher.seal(opened.right, id)}
        WHERE ${at(row.installation, row.subject)} AND ${sql.literal(column)} = ${row.sealed} RETURNING subject`,
      id
    )
    return written.length === 0 ? Option.none() : Option.some({ row: id, error: Option.none() })
  })

const reencryptColumn = (table: Table, column: keyof typeof sealedColumns): Service["reencrypt"] => {
  const { cipher: { prefix }, sql } = table
  const length = String(prefix.length)
  const outdated = sql`${sql.literal(`${column} IS NOT NULL AND substr(${column}, 1, ${length})`)} <> ${prefix}`
  const columns = sql.literal(`installation, subject, ${column} AS sealed`)
  return byKey<SealedText>(table, "reencrypt", columns, outdated).pipe(
    Stream.mapEffect((row) => reencryptText(table, column, row)),
    Stream.filterMap((reported) => reported)
  )
}

const reencrypt = (table: Table): Service["reencrypt"] =>
  Stream.concat(reencryptColumn(table, "secret"), reencryptColumn(table, "metadata"))

export const listing = (table: Table): Pick<Service, "stream" | "credentials" | "counts" | "reencrypt"> => ({
  stream: installations(table),
  credentials: credentials(table),
  counts: counts(table),
  reencrypt: reencrypt(table)
})
