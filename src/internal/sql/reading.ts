/** Reading one installation or one credential. */
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../../Installation.js"
import type { InstallationStoreError, Service } from "../../InstallationStore.js"
import { choose } from "../derivedStore.js"
import { keyOfRow } from "../installationKey.js"
import { installationRowId } from "../rowId.js"
import { unchecked } from "../unchecked.js"
import * as Details from "./details.js"
import { run, unreadable } from "./failure.js"
import * as Rows from "./rows.js"
import { rowIdOf, type Table } from "./table.js"
import * as Tokens from "./tokens.js"

type SecretCredentialRow = Rows.CredentialRow & Pick<Rows.Row, "secret">

const toCredential = (
  table: Table,
  operation: string,
  row: SecretCredentialRow
): Effect.Effect<Installation.Credential, InstallationStoreError> =>
  Effect.map(table.read(operation, row, Tokens.decode), (tokens) => Rows.credentialOf(row, tokens))

/** One credential; none for the installation's own row. */
export const readCredential = (
  table: Table,
  operation: string,
  key: Rows.RowKey
): Effect.Effect<Option.Option<Installation.Credential>, InstallationStoreError> => {
  if (key.subject === Rows.itself) return Effect.succeedNone
  const { at, credentialColumns, sql } = table
  return Effect.flatMap(
    run(
      operation,
      sql<SecretCredentialRow>`SELECT ${credentialColumns}, secret FROM slack_oauth_installations
        WHERE ${at(key.installation, key.subject)} AND removed_at IS NULL`,
      rowIdOf(key)
    ),
    ([row]) => row === undefined ? Effect.succeedNone : Effect.asSome(toCredential(table, operation, row))
  )
}

/** The installation that rows of one key make up; none if its own row is not among them. */
export const toInstallation = (
  table: Table,
  operation: string,
  rows: ReadonlyArray<Rows.Row>
): Effect.Effect<Option.Option<Installation.Installation>, InstallationStoreError> =>
  Effect.gen(function*() {
    const own = rows.find(({ subject }) => subject === Rows.itself)
    if (own === undefined) return Option.none()
    const key = keyOfRow(own.installation)
    const details = Details.decode(own.details)
    if (Option.isNone(key) || Option.isNone(details) || !Rows.hasTimes(own)) {
      return yield* unreadable(operation, own.installation)
    }
    const credentials = yield* Effect.forEach(
      rows.filter((row) => row !== own),
      (row) => toCredential(table, operation, row)
    )
    const incomingWebhook = own.secret === null
      ? Option.none()
      : Option.some(yield* table.read(operation, own, Rows.decodeWebhook))
    const metadata = own.metadata === null
      ? Option.none()
      : Option.some(Redacted.make(yield* table.openMetadata(operation, own.installation, own.metadata)))
    return Option.some(
      new Installation.Installation({
        appId: key.value.appId,
        target: details.value.target,
        bot: Option.fromNullable(credentials.find((credential) => credential._tag === "BotCredential")),
        users: credentials.filter((credential) => credential._tag === "UserCredential"),
        incomingWebhook,
        installedBy: details.value.installedBy,
        installedAt: Rows.timeOf(own.issued_at),
        metadata
      }, unchecked)
    )
  })

/** Postgres returns booleans, and SQLite numbers. */
interface PresenceRow {
  readonly installation: string
  readonly serves: boolean | number
  readonly lives: boolean | number
}

/** One row of the index for each question: the installation, the credential of the subject, any live credential. */
const resolve = ({ sql }: Table): Service["resolve"] => (place, options) => {
  const candidates = new Map(Installation.candidates(place).map((key) => [installationRowId(key), key]))
  if (candidates.size === 0) return Effect.succeedNone
  const alive = (subject: Fragment) =>
    sql`EXISTS (
      SELECT 1 FROM slack_oauth_installations AS held
      WHERE held.installation = own.installation AND ${subject} AND held.removed_at IS NULL AND held.dead_code IS NULL
    )`
  return Effect.map(
    run(
      "resolve",
      sql<PresenceRow>`SELECT installation,
          ${alive(sql`held.subject = ${options?.subject || "bot"}`)} AS serves,
          ${alive(sql.literal("held.subject <> ''"))} AS lives
        FROM slack_oauth_installations AS own
        WHERE ${sql.in("installation", Array.from(candidates.keys()))} AND subject = '' AND removed_at IS NULL`
    ),
    (rows) =>
      choose(
        Array.from(candidates).flatMap(([id, key]) => {
          const row = rows.find(({ installation }) => installation === id)
          return row === undefined ? [] : [{ key, serves: Boolean(row.serves), lives: Boolean(row.lives) }]
        })
      )
  )
}

export const reading = (table: Table): Pick<Service, "get" | "resolve" | "credential"> => ({
  resolve: resolve(table),
  get: (key) => {
    const { columns, sql } = table
    const installation = installationRowId(key)
    return Effect.flatMap(
      run(
        "get",
        sql<Rows.Row>`SELECT ${columns} FROM slack_oauth_installations
          WHERE installation = ${installation} AND removed_at IS NULL ORDER BY subject`,
        installation
      ),
      (rows) => toInstallation(table, "get", rows)
    )
  },
  credential: (key) =>
    readCredential(table, "credential", { installation: installationRowId(key.installation), subject: key.subject })
})
