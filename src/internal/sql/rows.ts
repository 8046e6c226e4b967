/**
 * Rows of `slack_oauth_installations`, and what they say. One row is the installation itself, and there is one for each
 * of its credentials.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Installation from "../../Installation.js"
import { Lease } from "../../InstallationStore.js"
import { BotToken, Expiry, IncomingWebhook, UserToken } from "../../TokenResponse.js"
import { commaList } from "../commaList.js"
import { endOfTime } from "../expiry.js"
import { unchecked } from "../unchecked.js"
import * as Details from "./details.js"
import type { Tokens } from "./tokens.js"

// -------------------------------------------------------------------------------------
// columns
// -------------------------------------------------------------------------------------

/** The subject of the installation's own row. */
export const itself = ""

/** Postgres returns 64-bit integers as text. */
export type Int = number | string

/** The key of a row. */
export interface RowKey {
  readonly installation: string
  readonly subject: string
}

/** A credential without its tokens. */
export interface InfoRow extends RowKey {
  readonly generation: Int
  readonly issued_at: Int
  readonly expires_at: Int | null
  readonly dead_code: string | null
  readonly dead_since: Int | null
}

/** A credential, but for its secret. */
export interface CredentialRow extends InfoRow {
  readonly scopes: string | null
  readonly bot_user_id: string | null
}

/** What an installation stores. */
export interface Row extends CredentialRow {
  readonly details: string | null
  readonly secret: string | null
  readonly metadata: string | null
}

/** The columns of a {@link Row}, and their types. Postgres does not infer the types of values in a `SELECT`. */
export const columnTypes: Readonly<Record<keyof Row, "TEXT" | "BIGINT">> = {
  installation: "TEXT",
  subject: "TEXT",
  generation: "BIGINT",
  issued_at: "BIGINT",
  details: "TEXT",
  scopes: "TEXT",
  bot_user_id: "TEXT",
  secret: "TEXT",
  metadata: "TEXT",
  expires_at: "BIGINT",
  dead_code: "TEXT",
  dead_since: "BIGINT"
}

export const columnNames = Object.keys(columnTypes) as ReadonlyArray<keyof Row>

/** The current lease of a credential and the one before it, with the database's time. */
export interface LeaseRow {
  readonly now: Int
  readonly lease_holder: string | null
  readonly lease_intent: string | null
  readonly lease_since: Int | null
  readonly lease_until: Int | null
  readonly previous_holder: string | null
  readonly previous_intent: string | null
  readonly previous_since: Int | null
  readonly previous_until: Int | null
}

// -------------------------------------------------------------------------------------
// values
// -------------------------------------------------------------------------------------

export const timeOf = (value: Int): DateTime.Utc => DateTime.unsafeMake(Number(value))

export const millisOf = (time: DateTime.Utc): number => DateTime.toEpochMillis(time)

/** A column can have times that a `DateTime` cannot. */
const isTime = (value: Int | null): boolean => value === null || Math.abs(Number(value)) <= endOfTime

/** Whether every time in the row is one that a `DateTime` can have. */
export const hasTimes = (row: Pick<InfoRow, "issued_at" | "expires_at" | "dead_since">): boolean =>
  isTime(row.issued_at) && isTime(row.expires_at) && isTime(row.dead_since)

export const reauthorizationOf = (row: InfoRow): Option.Option<Installation.Reauthorization> =>
  row.dead_code === null || row.dead_since === null
    ? Option.none()
    : Option.some(new Installation.Reauthorization({ code: row.dead_code, since: timeOf(row.dead_since) }, unchecked))

const leaseOf = (
  holder: string | null,
  intent: string | null,
  since: Int | null,
  until: Int | null
): Option.Option<Lease> =>
  holder === null || since === null || until === null
    ? Option.none()
    : Option.some(new Lease({ holder, intent: intent ?? "", since: timeOf(since), until: timeOf(until) }, unchecked))

export const currentLease = (row: LeaseRow): Option.Option<Lease> =>
  leaseOf(row.lease_holder, row.lease_intent, row.lease_since, row.lease_until)

export const previousLease = (row: LeaseRow): Option.Option<Lease> =>
  leaseOf(row.previous_holder, row.previous_intent, row.previous_since, row.previous_until)

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

const Webhook = Schema.parseJson(IncomingWebhook)

/** The secret of an installation's own row. */
export const encodeWebhook = Schema.encodeSync(Webhook)

export const decodeWebhook = Schema.decodeUnknownOption(Webhook)

/** The credential of a row whose times are valid. */
export const credentialOf = (row: CredentialRow, { accessToken, refreshToken }: Tokens): Installation.Credential => {
  const shared = {
    generation: Number(row.generation),
    issuedAt: timeOf(row.issued_at),
    reauthorization: reauthorizationOf(row)
  }
  const token = {
    accessToken,
    scopes: commaList(row.scopes ?? ""),
    expiry: row.expires_at === null
      ? Option.none()
      : Option.some(new Expiry({ expiresAt: timeOf(row.expires_at), refreshToken }, unchecked))
  }
  return row.subject === "bot"
    ? new Installation.BotCredential({
      ...shared,
      token: new BotToken({ ...token, botUserId: Option.fromNullable(row.bot_user_id) }, unchecked)
    }, unchecked)
    : new Installation.UserCredential({
      ...shared,
      userId: row.subject,
      token: new UserToken({ ...token, userId: Option.some(row.subject) }, unchecked)
    }, unchecked)
}

/** The row of an installation itself. */
export const ownRow = (
  installation: string,
  { installedAt, installedBy, target }: Installation.Installation,
  { metadata, secret }: Pick<Row, "metadata" | "secret">
): Row => ({
  installation,
  subject: itself,
  generation: 1,
  issued_at: millisOf(installedAt),
  details: Details.encode({ target, installedBy }),
  scopes: null,
  bot_user_id: null,
  secret,
  metadata,
  expires_at: null,
  dead_code: null,
  dead_since: null
})

/** The row of a credential that is stored for the first time. */
export const credentialRow = (
  installation: string,
  subject: string,
  credential: Installation.Credential,
  { details, secret }: Pick<Row, "details" | "secret">
): Row => {
  const { issuedAt, reauthorization, token } = credential
  return {
    installation,
    subject,
    generation: 1,
    issued_at: millisOf(issuedAt),
    details,
    scopes: token.scopes.join(","),
    bot_user_id: credential._tag === "BotCredential" ? Option.getOrNull(credential.token.botUserId) : null,
    secret,
    metadata: null,
    expires_at: Option.isNone(token.expiry) ? null : millisOf(token.expiry.value.expiresAt),
    dead_code: Option.isNone(reauthorization) ? null : reauthorization.value.code,
    dead_since: Option.isNone(reauthorization) ? null : millisOf(reauthorization.value.since)
  }
}
