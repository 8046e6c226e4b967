/** The table of installations in one database, and what all operations on it need. */
import type { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { fromCipherError, InstallationStoreError } from "../../InstallationStore.js"
import type * as TokenCipher from "../../TokenCipher.js"
import { metadataRowId, rowIdIn } from "../rowId.js"
import { unreadable } from "./failure.js"
import { columnNames, hasTimes, type Row, type RowKey } from "./rows.js"

/** The database's clock, in milliseconds since 1970. Other databases than these are not supported. */
const clockOf = (sql: SqlClient): Fragment | undefined =>
  sql.onDialectOrElse({
    pg: () => sql.literal("CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)"),
    sqlite: () => sql.literal("CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"),
    orElse: (): Fragment | undefined => undefined
  })

const infoColumns = "installation, subject, generation, issued_at, expires_at, dead_code, dead_since"

/** The id of a row, in messages and for the cipher. */
export const rowIdOf = ({ installation, subject }: RowKey): string => rowIdIn(installation, subject)

/** What it takes to open the secret of a row. */
export type SecretRow = RowKey & Pick<Row, "issued_at" | "expires_at" | "dead_since" | "secret">

const make = (sql: SqlClient, cipher: TokenCipher.Service, now: Fragment) => {
  /** Opens the secret of a row. */
  const open = (operation: string, row: SecretRow): Effect.Effect<string, InstallationStoreError> => {
    const id = rowIdOf(row)
    return row.secret === null || !hasTimes(row)
      ? Effect.fail(unreadable(operation, id))
      : Effect.mapError(cipher.open(row.secret, id), fromCipherError(operation, id))
  }
  return {
    sql,
    cipher,
    now,
    columns: sql.literal(columnNames.join(", ")),
    /** For an `InfoRow`. */
    infoColumns: sql.literal(infoColumns),
    /** For a {@link SecretRow}. */
    secretColumns: sql.literal("installation, subject, issued_at, expires_at, dead_since, secret"),
    /** For a `CredentialRow`. */
    credentialColumns: sql.literal(`${infoColumns}, scopes, bot_user_id`),
    at: (installation: string, subject: string): Fragment =>
      sql`installation = ${installation} AND subject = ${subject}`,
    open,
    /** Opens the metadata of an installation. */
    openMetadata: (
      operation: string,
      installation: string,
      stored: string
    ): Effect.Effect<string, InstallationStoreError> => {
      const id = metadataRowId(installation)
      return Effect.mapError(cipher.open(stored, id), fromCipherError(operation, id))
    },
    /** Opens the secret of a row, and decodes it. */
    read: <A>(
      operation: string,
      row: SecretRow,
      decode: (text: string) => Option.Option<A>
    ): Effect.Effect<A, InstallationStoreError> =>
      Effect.flatMap(open(operation, row), (text) => {
        const decoded = decode(text)
        return Option.isNone(decoded) ? Effect.fail(unreadable(operation, rowIdOf(row))) : Effect.succeed(decoded.value)
      })
  }
}

export type Table = ReturnType<typeof make>

/** The table in the client's database, whose rows are sealed with the cipher. */
export const over = (sql: SqlClient, cipher: TokenCipher.Service): Effect.Effect<Table, InstallationStoreError> => {
  const now = clockOf(sql)
  return now === undefined
    ? Effect.fail(new InstallationStoreError({ operation: "make", reason: "unsupported" }))
    : Effect.succeed(make(sql, cipher, now))
}
