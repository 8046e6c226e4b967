import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationImport from "effect-slack-oauth/InstallationImport"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlImport from "effect-slack-oauth/sql/SqlImport"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { connect, libsqlUrl } from "../utils/databases.js"
import { postgresUrl } from "../utils/resources.js"

/** The tables of python-slack-sdk: in SQLite by its own store, in other databases by SQLAlchemy. */
const createTables = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const { boolean, id, time } = sql.onDialectOrElse({
    pg: () => ({ id: "SERIAL PRIMARY KEY", time: "TIMESTAMP WITHOUT TIME ZONE", boolean: "BOOLEAN" }),
    orElse: () => ({ id: "integer primary key autoincrement", time: "datetime", boolean: "boolean" })
  })
  const shared = (bot: string) => `
    id ${id}, client_id VARCHAR(32) NOT NULL, app_id VARCHAR(32) NOT NULL,
    enterprise_id VARCHAR(32), enterprise_name VARCHAR(200), team_id VARCHAR(32), team_name VARCHAR(200),
    bot_token VARCHAR(200), bot_id VARCHAR(32), bot_user_id VARCHAR(32), bot_scopes VARCHAR(1000), ${bot}
    is_enterprise_install ${boolean} NOT NULL, installed_at ${time} NOT NULL`
  const rotating = `bot_refresh_token VARCHAR(200), bot_token_expires_at ${time},`
  yield* sql.unsafe(`CREATE TABLE slack_bots (${shared(rotating)})`)
  yield* sql.unsafe(`CREATE TABLE slack_installations (${shared(rotating)},
    enterprise_url VARCHAR(200), user_id VARCHAR(32) NOT NULL, user_token VARCHAR(200), user_scopes VARCHAR(1000),
    user_refresh_token VARCHAR(200), user_token_expires_at ${time},
    incoming_webhook_url VARCHAR(200), incoming_webhook_channel VARCHAR(200), incoming_webhook_channel_id VARCHAR(200),
    incoming_webhook_configuration_url VARCHAR(200), token_type VARCHAR(32))`)
  // As in versions without token rotation.
  yield* sql.unsafe(`CREATE TABLE old_bots (${shared("")})`)
})

/** At least one row. */
type Rows = readonly [Record<string, any>, ...Array<Record<string, any>>]

const bot = (more: object) => ({
  client_id: "1.1",
  app_id: "A1",
  enterprise_id: "",
  team_id: "T1",
  team_name: "One",
  bot_id: "B1",
  bot_user_id: "U0BOT",
  bot_scopes: "chat:write,commands",
  is_enterprise_install: false,
  ...more
})

/** Times: the SQLite store writes seconds, SQLAlchemy a timestamp. */
const expiry = (time: string) =>
  Effect.map(SqlClient.SqlClient, (sql) =>
    sql.onDialectOrElse({
      pg: () => time,
      orElse: () => Date.parse(`${time.replace(" ", "T")}Z`) / 1000 as unknown as string
    }))

const fill = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* createTables
  const insert = (table: string, row: object) =>
    sql`INSERT INTO ${sql(table)} ${sql.insert(row as Record<string, string>)}`
  const rotating = (name: string, time: string) =>
    Effect.map(expiry(time), (bot_token_expires_at) => ({
      bot_token: `xoxe.xoxb-test-${name}`,
      bot_refresh_token: `xoxe-test-${name}`,
      bot_token_expires_at
    }))
  const first = bot({ ...(yield* rotating("first", "2026-01-01 12:00:00")), installed_at: "2026-01-01 00:00:00" })
  yield* insert("slack_bots", first)
  yield* insert("slack_installations", {
    ...first,
    user_id: "U1",
    user_token: "xoxp-test-u1",
    user_scopes: "search:read"
  })
  // Two refreshes later: Python writes a row for each refresh.
  yield* insert(
    "slack_bots",
    bot({ ...(yield* rotating("second", "2026-01-02 00:00:00")), installed_at: "2026-01-01 10:00:00" })
  )
  const third = bot({ ...(yield* rotating("third", "2026-01-02 12:00:00")), installed_at: "2026-01-01 20:00:00" })
  yield* insert("slack_bots", third)
  yield* insert("slack_installations", { ...third, user_id: "U2" })
  yield* insert(
    "slack_bots",
    bot({ client_id: "2.2", app_id: "A2", bot_token: "xoxb-test-other", installed_at: "2026-01-01 00:00:00" })
  )
  yield* insert(
    "slack_bots",
    bot({
      team_id: null,
      enterprise_id: "E1",
      is_enterprise_install: true,
      bot_token: "xoxb-test-org",
      installed_at: "2026-01-01 00:00:00"
    })
  )
  yield* insert("old_bots", bot({ bot_token: "xoxb-test-old", installed_at: "2025-01-01 00:00:00" }))
  // More rows than one page has.
  const many = Array.from(
    { length: 700 },
    (_, n) => bot({ team_id: `TX${n}`, bot_token: `xoxb-test-${n}`, installed_at: "2026-01-01 00:00:00" })
  )
  for (let at = 0; at < many.length; at += 100) {
    yield* sql`INSERT INTO slack_bots ${sql.insert(many.slice(at, at + 100) as unknown as Rows)}`
  }
})

const token = (credential: Option.Option<Installation.Credential>) =>
  Option.getOrUndefined(Option.map(credential, ({ token }) => Redacted.value(token.accessToken)))

const databases = {
  SQLite: libsqlUrl,
  Postgres: postgresUrl
}

describe("the tables of python-slack-sdk", () => {
  for (const [name, url] of Object.entries(databases)) {
    const live = Layer.merge(InstallationStore.layerMemory, Layer.unwrapScoped(Effect.map(url, connect)))

    describe(`in ${name}`, () => {
      it.effect("are read completely, with the newest tokens", () =>
        Effect.gen(function*() {
          yield* fill
          const options = { clientId: "1.1" }
          assert.strictEqual(yield* SqlImport.count(options), 706)
          const report = yield* InstallationImport.run(InstallationImport.fromPython(SqlImport.rows(options)))
          assert.deepStrictEqual(report, { rows: 706, installations: 702, imported: 703, kept: 0, unreadable: [] })

          const one = Option.getOrThrow(yield* InstallationStore.get(Installation.workspace("A1", "T1")))
          const credential = Option.getOrThrow(one.bot)
          assert.strictEqual(token(one.bot), "xoxe.xoxb-test-third")
          assert.strictEqual(token(one.user("U1")), "xoxp-test-u1")
          assert.deepStrictEqual(one.installedBy, Option.some("U2"))
          assert.deepStrictEqual(credential.token.scopes, ["chat:write", "commands"])
          const { expiresAt, refreshToken } = Option.getOrThrow(credential.token.expiry)
          assert.strictEqual(DateTime.formatIso(expiresAt), "2026-01-02T12:00:00.000Z")
          assert.strictEqual(Redacted.value(Option.getOrThrow(refreshToken)), "xoxe-test-third")
          assert.strictEqual(DateTime.formatIso(one.installedAt), "2026-01-01T20:00:00.000Z")

          const organization = Option.getOrThrow(yield* InstallationStore.get(Installation.organization("A1", "E1")))
          assert.strictEqual(token(organization.bot), "xoxb-test-org")
          assert.isTrue(Option.isNone(yield* InstallationStore.get(Installation.workspace("A2", "T1"))))
        }).pipe(Effect.provide(live)))

      it.effect("are read completely, also when rows of earlier pages are deleted during the import", () =>
        Effect.gen(function*() {
          yield* fill
          const sql = yield* SqlClient.SqlClient
          const read: Array<string> = []
          yield* Stream.runForEach(SqlImport.rows({ clientId: "1.1" }), ({ row }) =>
            Effect.gen(function*() {
              read.push(row)
              // The first page is read. Most of its rows are deleted before the next page is read.
              if (read.length === 1) yield* sql`DELETE FROM slack_bots WHERE team_id LIKE 'TX1%'`
            }))
          assert.strictEqual(read.length, 706)
          assert.strictEqual(new Set(read).size, 706)
        }).pipe(Effect.provide(live)))

      it.effect("may be of an older version, have other names, or be missing", () =>
        Effect.gen(function*() {
          yield* fill
          const old = yield* Stream.runCollect(SqlImport.rows({ installationsTable: "none", botsTable: "old_bots" }))
          assert.deepStrictEqual(Array.from(old, ({ row }) => row), ["old_bots 1"])
          const error = yield* Effect.flip(
            Stream.runCollect(SqlImport.rows({ installationsTable: "none", botsTable: "nor_here" }))
          )
          assert.deepStrictEqual([error.operation, error.reason], ["import", "unreadable"])
        }).pipe(Effect.provide(live)))
    })
  }
})
