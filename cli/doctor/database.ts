/** Looks at the database of installations. What it writes is in a transaction that is rolled back. */
import type * as FileSystem from "@effect/platform/FileSystem"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Installation from "effect-slack-oauth/Installation"
import type * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { codeOf } from "../../src/internal/driverCode.js"
import { CommandFailed } from "../CommandFailed.js"
import * as Database from "../database.js"
import * as SqliteFile from "../sqliteFile.js"
import { error, type Finding, ok, skipped, warning } from "./finding.js"
import * as Storage from "./storage.js"

const patience = "10 seconds"

/** How many stored tokens are decrypted. */
const sample = 20

// -------------------------------------------------------------------------------------
// what is there
// -------------------------------------------------------------------------------------

const ranMigrations = (sql: SqlClient.SqlClient) =>
  Effect.flatMap(Database.hasTable(sql, "slack_oauth_migrations"), (isThere) =>
    isThere
      ? Effect.map(
        sql<
          { readonly migration_id: number; readonly name: string }
        >`SELECT migration_id, name FROM slack_oauth_migrations`,
        (rows) => rows.map(({ migration_id, name }) => `${migration_id}_${name}`)
      )
      : Effect.succeed(undefined))

const roundTrips = (sql: SqlClient.SqlClient) =>
  Effect.forEach([1, 2, 3, 4, 5], () =>
    Effect.gen(function*() {
      const start = yield* Clock.currentTimeNanos
      yield* sql`SELECT 1`
      return Number((yield* Clock.currentTimeNanos) - start) / 1e6
    }))

const storedTokens = (store: InstallationStore.Service) =>
  Effect.gen(function*() {
    const keys = yield* Stream.concat(
      store.credentials({ state: "rotating" }),
      store.credentials({ state: "permanent" })
    ).pipe(
      Stream.take(sample),
      Stream.runCollect
    )
    const failures: Record<string, number> = {}
    for (const { key } of keys) {
      const read = yield* Effect.either(store.credential(key))
      if (Either.isLeft(read)) failures[read.left.reason] = (failures[read.left.reason] ?? 0) + 1
    }
    return Storage.decryption(keys.length, failures)
  })

// -------------------------------------------------------------------------------------
// the contract, on an app that does not exist
// -------------------------------------------------------------------------------------

const scratchApp = "A0DOCTORSCRATCH"

const scratch = (now: DateTime.Utc): Installation.Installation =>
  Installation.fromTokenResponse(
    new TokenResponse.TokenResponse({
      appId: scratchApp,
      target: new TokenResponse.Workspace({
        team: { id: "T0DOCTORSCRATCH", name: Option.none() },
        enterprise: Option.none()
      }),
      bot: Option.some(
        new TokenResponse.BotToken({
          accessToken: Redacted.make("scratch-access"),
          scopes: [],
          botUserId: Option.none(),
          expiry: Option.some(
            new TokenResponse.Expiry({
              expiresAt: DateTime.add(now, { hours: 12 }),
              refreshToken: Option.some(Redacted.make("scratch-refresh"))
            })
          )
        })
      ),
      user: Option.none(),
      authedUserId: Option.none(),
      incomingWebhook: Option.none(),
      warnings: []
    }),
    now
  )

class Broken extends CommandFailed {}

const holds = (condition: boolean, what: string): Effect.Effect<void, Broken> =>
  condition ? Effect.void : Effect.fail(new Broken({ message: what }))

const contract = (store: InstallationStore.Service) =>
  Effect.gen(function*() {
    const { bot, key } = yield* store.save(scratch(yield* DateTime.now))
    const saved = Option.getOrUndefined(bot)
    if (saved === undefined) return yield* new Broken({ message: "a saved credential is not there" })
    const credential = Installation.botKey(key)
    const read = yield* store.credential(credential)
    yield* holds(Option.isSome(read), "a saved credential cannot be read")
    const lease = { holder: "doctor", intent: "check", duration: "1 minute" } as const
    yield* holds((yield* store.acquireLease(credential, lease))._tag === "Acquired", "a lease cannot be taken")
    const other = yield* store.acquireLease(credential, { ...lease, holder: "somebody else" })
    yield* holds(other._tag === "Held", "two holders have one lease")
    const change = Installation.Change.Renewed({ token: saved.token, issuedAt: yield* DateTime.now })
    const first = yield* store.compareAndSet(credential, saved.generation, change)
    yield* holds(first._tag === "Swapped", "a credential cannot be changed")
    const second = yield* store.compareAndSet(credential, saved.generation, change)
    yield* holds(second._tag === "Superseded", "one generation is changed twice")
    yield* holds(yield* store.releaseLease(credential, lease.holder), "a lease cannot be released")
    yield* holds(yield* store.remove(key), "an installation cannot be removed")
    yield* holds(Option.isNone(yield* store.get(key)), "a removed installation is still there")
  })

/** Ends the transaction, so that nothing of it is kept. */
class RollBack {
  readonly _tag = "RollBack"
}

const rolledBack = <A, E, R>(sql: SqlClient.SqlClient, effect: Effect.Effect<A, E, R>) =>
  sql.withTransaction(Effect.zipRight(effect, Effect.fail(new RollBack()))).pipe(
    Effect.catchIf((failure): failure is RollBack => failure instanceof RollBack, () => Effect.void)
  )

/** Why it failed, without anything of the database's own text, which may quote what is stored. */
const reasonOf = (failure: unknown): string =>
  failure instanceof Broken ? failure.message : `a statement failed (${codeOf(failure) ?? "unknown reason"})`

// -------------------------------------------------------------------------------------
// all of it
// -------------------------------------------------------------------------------------

const findings = (keys: string | undefined) =>
  Effect.gen(function*() {
    const sql = (yield* SqlClient.SqlClient).withoutTransforms()
    yield* sql`SELECT 1`
    const reachable = ok("database", "The database answers.")
    const times = Storage.latency(yield* roundTrips(sql))
    const ran = yield* ranMigrations(sql)
    const migrated = Storage.migrations(ran, Object.keys(Migrations.migrations))
    const isReady = ran !== undefined && (yield* Database.hasTable(sql, "slack_oauth_installations"))
    const cipher = yield* Effect.option(TokenCipher.config.pipe(
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["SLACK_TOKEN_KEYS", keys ?? ""]])))
    ))
    if (!isReady || Option.isNone(cipher)) {
      const todo = isReady ? "Fix SLACK_TOKEN_KEYS first." : "Start the app once, and run this again."
      return [
        reachable,
        times,
        migrated,
        skipped("stored-tokens", "No stored token was looked at.", todo),
        skipped("database-contract", "The store was not tried.", todo)
      ]
    }
    const store = yield* SqlInstallationStore.make.pipe(Effect.provideService(TokenCipher.TokenCipher, cipher.value))
    const tokens = yield* storedTokens(store)
    const kept = yield* Effect.exit(rolledBack(sql, contract(store)))
    return [
      reachable,
      times,
      migrated,
      tokens,
      Storage.contract(kept._tag === "Success" ? undefined : reasonOf(Cause.squash(kept.cause)))
    ]
  })

const broken = (problem: string, todo: string): ReadonlyArray<Finding> => [error("database", problem, todo)]

const sentence = (message: string): readonly [what: string, todo: string] => {
  const [, what = message, todo = ""] = /^(.*?\.) (.+)$/s.exec(message) ?? []
  return [what, todo || "Check DATABASE_URL."]
}

/** A file that does not exist is not created, because then this would change something. */
const isMissingFile = (url: string) =>
  url.startsWith("file:") ? Effect.map(SqliteFile.find(url), Option.isNone) : Effect.succeed(false)

const writable = (url: string) => url.startsWith("file:") ? SqliteFile.checkWritable(url) : Effect.void

/** The findings about a database. The URL is in none of them, because it may have a password. */
export const lookAt = (
  url: string,
  keys: string | undefined
): Effect.Effect<ReadonlyArray<Finding>, never, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    if (/^file:(:memory:|\?|$)/.test(url)) {
      return broken(
        "The database is in memory: installations are lost at each start.",
        "Set DATABASE_URL to file:slack.db or postgres://…."
      )
    }
    if (yield* isMissingFile(url)) {
      yield* writable(url)
      return [
        warning(
          "database",
          `${SqliteFile.pathOf(url)} does not exist yet.`,
          "The app creates it when it starts. Check that this is its path."
        )
      ]
    }
    yield* writable(url)
    return yield* Effect.provide(findings(keys), Database.database(url)).pipe(
      Effect.timeoutFail({ duration: patience, onTimeout: Database.noAnswer })
    )
  }).pipe(
    Effect.scoped,
    Effect.catchAll((failure) =>
      Effect.succeed(
        failure instanceof CommandFailed
          ? broken(...sentence(failure.message))
          : broken(
            `The database fails (${codeOf(failure) ?? "unknown reason"}).`,
            "Check that it is running, and the rights of its user."
          )
      )
    ),
    Effect.catchAllDefect((failure) =>
      Effect.succeed(
        broken(
          `The database fails (${codeOf(failure) ?? "unknown reason"}).`,
          "Check that it is running, and its driver."
        )
      )
    )
  )
