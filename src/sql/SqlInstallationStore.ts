/**
 * Installations in an SQL database: a libsql file for the processes of one machine, Postgres for many machines.
 *
 * What happens often is one statement: an install, a refresh, a lease. So it is atomic without a transaction. An import
 * and a removal are a transaction of two, since the second has to see what others have stored until the first had the
 * row of the installation to itself. Whoever writes more than one row begins with that row, so nobody waits in a circle.
 * A process that dies leaves either all of it or nothing. Leases go by the database's clock.
 *
 * @since 0.1.0
 */
import * as SqlClient from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { Fragment } from "@effect/sql/Statement"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "../Installation.js"
import * as InstallationStore from "../InstallationStore.js"
import { keyOfRow } from "../internal/installationKey.js"
import { openAny, warnIfPlain } from "../internal/plainText.js"
import { credentialRowId, installationRowId } from "../internal/rowId.js"
import { inTransaction, run, unreadable } from "../internal/sql/failure.js"
import * as TokenCipher from "../TokenCipher.js"
import { BotToken, Expiry, IncomingWebhook, Organization, UserToken, Workspace } from "../TokenResponse.js"
import * as Migrations from "./Migrations.js"

const { LeaseResult, StoreError, Swap } = InstallationStore

// -------------------------------------------------------------------------------------
// rows
// -------------------------------------------------------------------------------------

/** The subject of the row of the installation itself. */
const itself = ""

/** How many rows a stream reads at a time. */
const pageSize = 500

/** How many rows one statement writes at most: databases limit the parameters of a statement. */
const rowsPerStatement = 2000

/** Postgres hands out 64-bit integers as text. */
type Int = number | string

interface Row {
  readonly installation: string
  readonly subject: string
  readonly generation: Int
  readonly issued_at: Int
  readonly details: string | null
  readonly scopes: string | null
  readonly bot_user_id: string | null
  readonly secret: string | null
  readonly expires_at: Int | null
  readonly dead_code: string | null
  readonly dead_since: Int | null
}

/** What is read of a credential without its tokens. */
type InfoRow = Omit<Row, "details" | "scopes" | "bot_user_id" | "secret">

interface LeaseRow {
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

/** The part of an installation that is no secret. */
const Details = Schema.parseJson(Schema.Struct({
  target: Schema.Union(Workspace, Organization),
  installedBy: Schema.OptionFromNullOr(Schema.String)
}))

/** The part of a credential that is. */
const Tokens = Schema.parseJson(Schema.Struct({
  accessToken: Schema.Redacted(Schema.String),
  refreshToken: Schema.OptionFromNullOr(Schema.Redacted(Schema.String))
}))

const Webhook = Schema.parseJson(IncomingWebhook)

const time = (value: Int): DateTime.Utc => DateTime.unsafeMake(Number(value))

const millis = (time: DateTime.Utc): number => DateTime.toEpochMillis(time)

/** Whether a number is a time at all: a date ends at 8.64e15 ms, the column does not. */
const isTime = (value: Int | null): boolean => value === null || Math.abs(Number(value)) <= 8.64e15

const hasTimes = (row: InfoRow): boolean => isTime(row.issued_at) && isTime(row.expires_at) && isTime(row.dead_since)

const reauthorizationOf = (row: InfoRow): Option.Option<Installation.Reauthorization> =>
  row.dead_code === null || row.dead_since === null
    ? Option.none()
    : Option.some(new Installation.Reauthorization({ code: row.dead_code, since: time(row.dead_since) }))

const leaseOf = (
  holder: string | null,
  intent: string | null,
  since: Int | null,
  until: Int | null
): Option.Option<InstallationStore.Lease> =>
  holder === null || since === null || until === null
    ? Option.none()
    : Option.some(
      new InstallationStore.Lease({ holder, intent: intent ?? "", since: time(since), until: time(until) })
    )

// -------------------------------------------------------------------------------------
// the store
// -------------------------------------------------------------------------------------

/**
 * Makes the store over the `SqlClient` in the context. The tables have to be there; {@link layer} sees to that.
 *
 * @since 0.1.0
 * @category constructors
 */
export const make: Effect.Effect<
  InstallationStore.Service,
  InstallationStore.StoreError,
  SqlClient.SqlClient | TokenCipher.TokenCipher
> = Effect.gen(function*() {
  const sql = (yield* SqlClient.SqlClient).withoutTransforms()
  const cipher = yield* TokenCipher.TokenCipher
  yield* warnIfPlain(cipher)

  const dialect = sql.onDialectOrElse({
    pg: () => ({
      now: sql.literal("CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp()) * 1000) AS BIGINT)"),
      file: false
    }),
    sqlite: () => ({
      now: sql.literal("CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"),
      file: true
    }),
    orElse: () => undefined
  })
  if (dialect === undefined) return yield* new StoreError({ operation: "make", reason: "unsupported" })
  const { now } = dialect

  if (dialect.file) {
    const [setting] = yield* Effect.orElseSucceed(sql<{ readonly timeout?: Int }>`PRAGMA busy_timeout`, () => [])
    if (Number(setting?.timeout ?? 1) === 0) {
      yield* Effect.logWarning(
        "Connections to this SQLite file do not wait for other writers. If several processes use it, provide effect-slack-oauth/sql/Libsql."
      )
    }
  }

  const columns = sql.literal(
    "installation, subject, generation, issued_at, details, scopes, bot_user_id, secret, expires_at, dead_code, dead_since"
  )

  const infoColumns = sql.literal(
    "installation, subject, generation, issued_at, expires_at, dead_code, dead_since"
  )

  // ---- sealing

  const rowIdOf = (row: Pick<Row, "installation" | "subject">) =>
    `${row.installation}/${encodeURIComponent(row.subject)}`

  const open = <A, I>(operation: string, schema: Schema.Schema<A, I>, row: Row) =>
    Effect.flatMap(
      row.secret === null || !hasTimes(row)
        ? Effect.fail(unreadable(operation, rowIdOf(row)))
        : Effect.mapError(
          cipher.open(row.secret, rowIdOf(row)),
          InstallationStore.fromCipherError(operation, rowIdOf(row))
        ),
      (text) =>
        Option.match(Schema.decodeUnknownOption(schema)(text), {
          onNone: () => Effect.fail(unreadable(operation, rowIdOf(row))),
          onSome: (value): Effect.Effect<A> => Effect.succeed(value)
        })
    )

  const sealToken = (token: Installation.Token, row: string) =>
    cipher.seal(
      Schema.encodeSync(Tokens)({
        accessToken: token.accessToken,
        refreshToken: Option.flatMap(token.expiry, ({ refreshToken }) => refreshToken)
      }),
      row
    )

  // ---- reading

  /** The types say what the parts are; to check them again would take a good part of the time of a read. */
  const known = { disableValidation: true }

  const toCredential = (
    operation: string,
    row: Row
  ): Effect.Effect<Installation.Credential, InstallationStore.StoreError> =>
    Effect.map(open(operation, Tokens, row), ({ accessToken, refreshToken }) => {
      const shared = {
        generation: Number(row.generation),
        issuedAt: time(row.issued_at),
        reauthorization: reauthorizationOf(row)
      }
      const expiresAt = row.expires_at
      const token = {
        accessToken,
        scopes: row.scopes === null || row.scopes === "" ? [] : row.scopes.split(","),
        expiry: expiresAt === null
          ? Option.none()
          : Option.some(new Expiry({ expiresAt: time(expiresAt), refreshToken }, known))
      }
      return row.subject === "bot"
        ? new Installation.BotCredential({
          ...shared,
          token: new BotToken({ ...token, botUserId: Option.fromNullable(row.bot_user_id) }, known)
        }, known)
        : new Installation.UserCredential({
          ...shared,
          userId: row.subject,
          token: new UserToken({ ...token, userId: Option.some(row.subject) }, known)
        }, known)
    })

  const toInstallation = (
    operation: string,
    rows: ReadonlyArray<Row>
  ): Effect.Effect<Option.Option<Installation.Installation>, InstallationStore.StoreError> =>
    Effect.gen(function*() {
      const head = rows.find(({ subject }) => subject === itself)
      if (head === undefined) return Option.none()
      const key = keyOfRow(head.installation)
      const details = Schema.decodeUnknownOption(Details)(head.details)
      if (Option.isNone(key) || Option.isNone(details) || !hasTimes(head)) {
        return yield* unreadable(operation, head.installation)
      }
      const credentials = yield* Effect.forEach(
        rows.filter((row) => row !== head),
        (row) => toCredential(operation, row)
      )
      return Option.some(
        new Installation.Installation({
          appId: key.value.appId,
          target: details.value.target,
          bot: Option.fromNullable(credentials.find((credential) => credential._tag === "BotCredential")),
          users: credentials.filter((credential) => credential._tag === "UserCredential"),
          incomingWebhook: head.secret === null
            ? Option.none()
            : Option.some(yield* open(operation, Webhook, head)),
          installedBy: details.value.installedBy,
          installedAt: time(head.issued_at)
        }, known)
      )
    })

  const select = (operation: string, where: Fragment, row: string) =>
    run(
      operation,
      sql<Row>`SELECT ${columns} FROM slack_oauth_installations
        WHERE ${where} AND removed_at IS NULL ORDER BY installation, subject`,
      row
    )

  const at = (installation: string, subject: string): Fragment =>
    sql`installation = ${installation} AND subject = ${subject}`

  const readCredential = (
    operation: string,
    key: Installation.CredentialKey
  ): Effect.Effect<Option.Option<Installation.Credential>, InstallationStore.StoreError> => {
    const installation = installationRowId(key.installation)
    return Effect.flatMap(
      key.subject === itself
        ? Effect.succeed([])
        : select(operation, at(installation, key.subject), credentialRowId(key.installation, key.subject)),
      ([row]) => row === undefined ? Effect.succeedNone : Effect.asSome(toCredential(operation, row))
    )
  }

  // ---- saving

  /** What `save` writes. Postgres does not guess the types of values that come from a `SELECT`. */
  const written = {
    installation: "TEXT",
    subject: "TEXT",
    generation: "BIGINT",
    issued_at: "BIGINT",
    details: "TEXT",
    scopes: "TEXT",
    bot_user_id: "TEXT",
    secret: "TEXT",
    expires_at: "BIGINT",
    dead_code: "TEXT",
    dead_since: "BIGINT"
  } as const

  const names = Object.keys(written) as ReadonlyArray<keyof Row>

  const values = (row: Row): Fragment =>
    sql`(${sql.csv(names.map((name) => sql`CAST(${row[name]} AS ${sql.literal(written[name])})`))})`

  /** The row of the installation, and those of its credentials. */
  const toRows = (installation: Installation.Installation): Effect.Effect<readonly [Row, ...Array<Row>]> =>
    Effect.gen(function*() {
      const { installedAt, installedBy, key, target } = installation
      const row = (subject: string): Row => ({
        installation: installationRowId(key),
        subject,
        generation: 1,
        issued_at: millis(installedAt),
        details: null,
        scopes: null,
        bot_user_id: null,
        secret: null,
        expires_at: null,
        dead_code: null,
        dead_since: null
      })
      const head: Row = {
        ...row(itself),
        details: Schema.encodeSync(Details)({ target, installedBy }),
        secret: Option.isNone(installation.incomingWebhook)
          ? null
          : yield* cipher.seal(
            Schema.encodeSync(Webhook)(installation.incomingWebhook.value),
            credentialRowId(key, itself)
          )
      }
      const credentials = yield* Effect.forEach(installation.credentials, (credential) => {
        const subject = Installation.subjectOf(credential)
        return Effect.map(sealToken(credential.token, credentialRowId(key, subject)), (secret): Row => ({
          ...row(subject),
          issued_at: millis(credential.issuedAt),
          scopes: credential.token.scopes.join(","),
          bot_user_id: credential._tag === "BotCredential" ? Option.getOrNull(credential.token.botUserId) : null,
          secret,
          expires_at: Option.getOrNull(Option.map(credential.token.expiry, ({ expiresAt }) => millis(expiresAt))),
          dead_code: Option.getOrNull(Option.map(credential.reauthorization, ({ code }) => code)),
          dead_since: Option.getOrNull(Option.map(credential.reauthorization, ({ since }) => millis(since)))
        }))
      })
      return [head, ...credentials]
    })

  const upsert = (rows: ReadonlyArray<Row>, where: Fragment, replaces: Fragment) =>
    sql<Pick<Row, "subject" | "generation">>`
      INSERT INTO slack_oauth_installations AS stored (${columns})
      SELECT * FROM (VALUES ${sql.csv(rows.map(values))}) AS incoming WHERE ${where}
      ON CONFLICT (installation, subject) DO UPDATE SET
        generation = stored.generation + 1,
        issued_at = CASE
          WHEN stored.subject = '' AND stored.removed_at IS NULL AND stored.issued_at > excluded.issued_at
          THEN stored.issued_at ELSE excluded.issued_at END,
        details = excluded.details,
        scopes = excluded.scopes,
        bot_user_id = excluded.bot_user_id,
        secret = COALESCE(excluded.secret, stored.secret),
        expires_at = excluded.expires_at,
        dead_code = excluded.dead_code,
        dead_since = excluded.dead_since,
        removed_at = NULL
      WHERE ${replaces}
      RETURNING subject, generation`

  const always = sql.literal("1 = 1")

  const inPieces = (rows: ReadonlyArray<Row>) => Array.from(Chunk.chunksOf(Chunk.fromIterable(rows), rowsPerStatement))

  /** The row of the installation comes first: while it is locked, nobody else saves here or removes. */
  const replaceRows = (rows: ReadonlyArray<Row>) =>
    inPieces(rows).map((piece) => upsert(Chunk.toReadonlyArray(piece), always, always))

  /** Once the row of the installation is locked, whether the app is installed decides over the credentials. */
  const keepRows = ([head, ...credentials]: readonly [Row, ...Array<Row>]) => {
    const older = sql.literal("stored.removed_at IS NOT NULL AND stored.removed_at < excluded.issued_at")
    const installed = sql`EXISTS (
      SELECT 1 FROM slack_oauth_installations WHERE ${at(head.installation, itself)} AND removed_at IS NULL
    )`
    return [
      upsert([head], always, older),
      ...inPieces(credentials).map((piece) => upsert(Chunk.toReadonlyArray(piece), installed, older))
    ]
  }

  const save: InstallationStore.Service["save"] = (installation, options) =>
    Effect.gen(function*() {
      const existing = options?.existing ?? "replace"
      const rows = yield* toRows(installation)
      const id = installationRowId(installation.key)

      // What cannot be opened is not replaced: a process with the wrong keys must not write over what others can read.
      const stored = yield* select(
        "save",
        sql`installation = ${id} AND ${sql.in("subject", rows.map(({ subject }) => subject))}`,
        id
      )
      yield* Effect.forEach(stored, (row) =>
        row.secret === null ? Effect.void : Effect.asVoid(open("save", Schema.String, row)), { discard: true })

      const statements = existing === "keep" ? keepRows(rows) : replaceRows(rows)
      const write = Effect.map(Effect.all(statements), (results) =>
        results.flat())
      const written = yield* run("save", statements.length === 1 ? write : inTransaction(sql, write), id)

      const generations = new Map(written.map(({ generation, subject }) => [subject, Number(generation)]))
      const credentials = yield* Effect.forEach(installation.credentials, (credential) => {
        const subject = Installation.subjectOf(credential)
        const generation = generations.get(subject)
        return generation === undefined
          ? readCredential("save", new Installation.CredentialKey({ installation: installation.key, subject }))
          : Effect.succeedSome(Installation.atGeneration(credential, generation))
      })
      return Installation.withCredentials(installation, credentials.flatMap(Option.toArray))
    })

  // ---- compare-and-set

  const compareAndSet: InstallationStore.Service["compareAndSet"] = (key, generation, change) =>
    Effect.gen(function*() {
      const operation = "compareAndSet"
      const installation = installationRowId(key.installation)
      const id = credentialRowId(key.installation, key.subject)

      const swap = (set: Fragment) =>
        run(
          operation,
          sql<Row>`UPDATE slack_oauth_installations SET generation = generation + 1, ${set}
            WHERE ${at(installation, key.subject)} AND generation = ${generation} AND removed_at IS NULL
            RETURNING ${columns}`,
          id
        )
      const superseded = Effect.map(readCredential(operation, key), (current) => Swap.Superseded({ current }))

      if (key.subject === itself) return Swap.Superseded({ current: Option.none() })

      if (change._tag === "Dead") {
        const current = yield* readCredential(operation, key)
        if (!Option.exists(current, (credential) => credential.generation === generation)) {
          return Swap.Superseded({ current })
        }
        const [row] = yield* swap(sql`dead_code = ${change.code}, dead_since = ${millis(change.since)}`)
        return row === undefined
          ? yield* superseded
          : Swap.Swapped({ credential: Installation.change(Option.getOrThrow(current), change) })
      }

      const { issuedAt, token } = change
      const scopes = token.scopes.join(",")
      const [row] = yield* swap(sql`
        secret = ${yield* sealToken(token, id)},
        issued_at = ${millis(issuedAt)},
        expires_at = ${Option.getOrNull(Option.map(token.expiry, ({ expiresAt }) => millis(expiresAt)))},
        scopes = ${scopes === "" ? sql.literal("scopes") : sql`${scopes}`},
        dead_code = NULL,
        dead_since = NULL`)
      return row === undefined
        ? yield* superseded
        : Swap.Swapped({ credential: yield* toCredential(operation, row) })
    })

  // ---- leases

  const noLease = sql.literal("lease_holder = NULL, lease_intent = NULL, lease_since = NULL, lease_until = NULL")

  const leaseColumns = sql`${now} AS now, lease_holder, lease_intent, lease_since, lease_until,
    previous_holder, previous_intent, previous_since, previous_until`

  const currentLease = (row: LeaseRow) => leaseOf(row.lease_holder, row.lease_intent, row.lease_since, row.lease_until)

  const previousLease = (row: LeaseRow) =>
    leaseOf(row.previous_holder, row.previous_intent, row.previous_since, row.previous_until)

  const acquireLease: InstallationStore.Service["acquireLease"] = (key, request) =>
    Effect.gen(function*() {
      const operation = "acquireLease"
      const installation = installationRowId(key.installation)
      const id = credentialRowId(key.installation, key.subject)
      if (key.subject === itself) return LeaseResult.Missing()

      const duration = Math.ceil(Duration.toMillis(request.duration))
      const taken = yield* run(
        operation,
        sql<LeaseRow>`UPDATE slack_oauth_installations SET
            previous_holder = lease_holder,
            previous_intent = lease_intent,
            previous_since = lease_since,
            previous_until = lease_until,
            lease_holder = ${request.holder},
            lease_intent = ${request.intent},
            lease_since = ${now},
            lease_until = ${now} + ${duration}
          WHERE ${at(installation, key.subject)} AND removed_at IS NULL
            AND (lease_until IS NULL OR lease_until <= ${now} OR lease_holder = ${request.holder})
          RETURNING ${leaseColumns}`,
        id
      )
      const acquired = Option.flatMap(Option.fromNullable(taken[0]), currentLease)
      if (Option.isSome(acquired)) {
        return LeaseResult.Acquired({ lease: acquired.value, previous: previousLease(taken[0]) })
      }

      const [held] = yield* run(
        operation,
        sql<LeaseRow>`SELECT ${leaseColumns} FROM slack_oauth_installations
          WHERE ${at(installation, key.subject)} AND removed_at IS NULL`,
        id
      )
      if (held === undefined) return LeaseResult.Missing()
      const lease = currentLease(held)
      const remaining = Option.match(lease, {
        onNone: () => 0,
        onSome: ({ until }) => millis(until) - Number(held.now)
      })
      // It came free between the two statements.
      return Option.isNone(lease) || remaining <= 0
        ? yield* acquireLease(key, request)
        : LeaseResult.Held({ lease: lease.value, remaining: Duration.millis(remaining) })
    })

  const releaseLease: InstallationStore.Service["releaseLease"] = (key, holder) =>
    Effect.map(
      run(
        "releaseLease",
        sql`UPDATE slack_oauth_installations SET ${noLease}
          WHERE ${at(installationRowId(key.installation), key.subject)} AND lease_holder = ${holder}
          RETURNING subject`,
        credentialRowId(key.installation, key.subject)
      ),
      (rows) => rows.length > 0
    )

  // ---- removing

  /** What stays of a removed row is its key and its generation. */
  const emptied = (removedAt: DateTime.Utc | undefined): Fragment =>
    sql`removed_at = ${removedAt === undefined ? now : sql`${millis(removedAt)}`}, details = NULL, scopes = NULL,
      bot_user_id = NULL, secret = NULL, expires_at = NULL, dead_code = NULL, dead_since = NULL, ${noLease},
      previous_holder = NULL, previous_intent = NULL, previous_since = NULL, previous_until = NULL`

  const issuedBefore = (time: DateTime.Utc | undefined): Fragment =>
    time === undefined ? always : sql`issued_at < ${millis(time)}`

  const remove: InstallationStore.Service["remove"] = (key, options) => {
    const installation = installationRowId(key)
    const empty = (where: Fragment) =>
      sql`UPDATE slack_oauth_installations SET ${emptied(options?.installedBefore)}
        WHERE ${where} AND removed_at IS NULL RETURNING subject`
    return run(
      "remove",
      inTransaction(
        sql,
        Effect.gen(function*() {
          const head = yield* empty(sql`${at(installation, itself)} AND ${issuedBefore(options?.installedBefore)}`)
          if (head.length === 0) return false
          yield* empty(sql`installation = ${installation}`)
          return true
        })
      ),
      installation
    )
  }

  const removeCredential: InstallationStore.Service["removeCredential"] = (key, options) =>
    key.subject === itself
      ? Effect.succeed(false)
      : Effect.map(
        run(
          "removeCredential",
          sql`UPDATE slack_oauth_installations SET ${emptied(options?.issuedBefore)}
            WHERE ${at(installationRowId(key.installation), key.subject)}
              AND removed_at IS NULL AND ${issuedBefore(options?.issuedBefore)}
            RETURNING subject`,
          credentialRowId(key.installation, key.subject)
        ),
        (rows) => rows.length > 0
      )

  // ---- streaming

  /** Rows in pages, each beginning after the last row of the one before. */
  const pages = <A extends { readonly installation: string; readonly subject: string }>(
    operation: string,
    page: (after: Option.Option<A>) => Effect.Effect<ReadonlyArray<A>, SqlError>
  ): Stream.Stream<A, InstallationStore.StoreError> =>
    Stream.paginateChunkEffect(
      Option.none<A>(),
      (after) =>
        Effect.map(
          run(operation, page(after)),
          (rows) => [
            Chunk.unsafeFromArray(rows),
            rows.length < pageSize ? Option.none() : Option.some(Option.fromNullable(rows.at(-1)))
          ]
        )
    )

  const byKey = <A extends InfoRow>(operation: string, columns: Fragment, where: Fragment) =>
    pages<A>(operation, (after) =>
      sql<A>`SELECT ${columns} FROM slack_oauth_installations
        WHERE ${where} ${
        Option.match(after, {
          onNone: () => sql.literal(""),
          onSome: (row) => sql`AND (installation, subject) > (${row.installation}, ${row.subject})`
        })
      }
        ORDER BY installation, subject LIMIT ${pageSize}`)

  const stream: InstallationStore.Service["stream"] = byKey<Row>(
    "stream",
    columns,
    sql.literal("removed_at IS NULL")
  ).pipe(
    Stream.groupAdjacentBy(({ installation }) => installation),
    Stream.mapEffect(([, rows]) => toInstallation("stream", Chunk.toReadonlyArray(rows))),
    Stream.filterMap((installation) => installation)
  )

  const toInfo = (row: InfoRow): Effect.Effect<InstallationStore.CredentialInfo, InstallationStore.StoreError> =>
    Option.match(Option.filter(keyOfRow(row.installation), () => hasTimes(row)), {
      onNone: () => Effect.fail(unreadable("credentials", rowIdOf(row))),
      onSome: (installation) =>
        Effect.succeed({
          key: new Installation.CredentialKey({ installation, subject: row.subject }),
          generation: Number(row.generation),
          issuedAt: time(row.issued_at),
          expiresAt: Option.map(Option.fromNullable(row.expires_at), time),
          reauthorization: reauthorizationOf(row)
        })
    })

  const conditions = {
    rotating: sql.literal("expires_at IS NOT NULL AND dead_code IS NULL"),
    permanent: sql.literal("expires_at IS NULL AND dead_code IS NULL"),
    dead: sql.literal("dead_code IS NOT NULL")
  }

  const credentials: InstallationStore.Service["credentials"] = (selection) => {
    const where = sql`subject <> '' AND removed_at IS NULL AND ${conditions[selection.state]}`
    if (selection.state !== "rotating" || selection.expiresBefore === undefined) {
      return Stream.mapEffect(byKey<InfoRow>("credentials", infoColumns, where), toInfo)
    }
    const before = millis(selection.expiresBefore)
    return Stream.mapEffect(
      pages<InfoRow>("credentials", (after) =>
        sql<InfoRow>`SELECT ${infoColumns} FROM slack_oauth_installations
          WHERE ${where} AND expires_at < ${before} ${
          Option.match(after, {
            onNone: () => sql.literal(""),
            onSome: (row) =>
              sql`AND (expires_at, installation, subject) > (${row.expires_at}, ${row.installation}, ${row.subject})`
          })
        }
          ORDER BY expires_at, installation, subject LIMIT ${pageSize}`),
      toInfo
    )
  }

  const counts: InstallationStore.Service["counts"] = (options) => {
    const count = (condition: Fragment) => sql`SUM(CASE WHEN ${condition} THEN 1 ELSE 0 END)`
    const before = options?.expiringBefore
    const credential = (condition: Fragment) => count(sql`subject <> '' AND ${condition}`)
    return Effect.map(
      run(
        "counts",
        sql<{ readonly [K in keyof InstallationStore.Counts]: Int | null }>`SELECT
            ${count(sql`subject = ''`)} AS installations,
            ${count(sql`subject = 'bot'`)} AS bots,
            ${count(sql`subject <> '' AND subject <> 'bot'`)} AS users,
            ${credential(conditions.rotating)} AS rotating,
            ${credential(conditions.permanent)} AS permanent,
            ${credential(conditions.dead)} AS dead,
            ${
          before === undefined
            ? sql.literal("0")
            : credential(sql`${conditions.rotating} AND expires_at < ${millis(before)}`)
        } AS expiring
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

  // ---- sealing again

  const reencryptRow = (
    row: Row
  ): Effect.Effect<Option.Option<InstallationStore.Reencrypted>, InstallationStore.StoreError> =>
    Effect.gen(function*() {
      const id = rowIdOf(row)
      if (row.secret === null) return Option.none()
      const opened = yield* Effect.either(openAny(cipher, row.secret, id))
      if (opened._tag === "Left") {
        return Option.some({
          row: id,
          error: Option.some(InstallationStore.fromCipherError("reencrypt", id)(opened.left))
        })
      }
      const written = yield* run(
        "reencrypt",
        sql`UPDATE slack_oauth_installations SET secret = ${yield* cipher.seal(opened.right, id)}
          WHERE ${at(row.installation, row.subject)} AND secret = ${row.secret} RETURNING subject`,
        id
      )
      return written.length === 0 ? Option.none() : Option.some({ row: id, error: Option.none() })
    })

  const reencrypt: InstallationStore.Service["reencrypt"] = byKey<Row>(
    "reencrypt",
    columns,
    sql`secret IS NOT NULL AND substr(secret, 1, ${sql.literal(String(cipher.prefix.length))}) <> ${cipher.prefix}`
  ).pipe(
    Stream.mapEffect(reencryptRow),
    Stream.filterMap((reported) => reported)
  )

  return {
    get: (key) => {
      const installation = installationRowId(key)
      return Effect.flatMap(
        select("get", sql`installation = ${installation}`, installation),
        (rows) => toInstallation("get", rows)
      )
    },
    credential: (key) => readCredential("credential", key),
    save,
    compareAndSet,
    acquireLease,
    releaseLease,
    remove,
    removeCredential,
    stream,
    credentials,
    reencrypt,
    counts
  }
})

/**
 * Installations in the database of the `SqlClient` in the context, which is brought up to date first.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer: Layer.Layer<
  InstallationStore.InstallationStore,
  InstallationStore.StoreError,
  SqlClient.SqlClient | TokenCipher.TokenCipher
> = Layer.effect(InstallationStore.InstallationStore, Effect.zipRight(Migrations.run, make))
