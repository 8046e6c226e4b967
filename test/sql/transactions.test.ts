/** How a store and the migrations fail if a transaction fails, at any point. */
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import type * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { sqlError } from "../../src/internal/effect/sqlErrors.js"
import { botToken, install, userToken } from "../../src/internal/storeSuite/fixtures.js"
import { connect, libsqlUrl } from "../utils/databases.js"
import * as Transactions from "../utils/effect/transactions.js"
import { acquire, databaseUrls } from "../utils/resources.js"
import { cipher } from "../utils/stores.js"

const databases = await acquire(Effect.all(databaseUrls))

const one = install({ appId: "A1", teamId: "T1", bot: botToken("one") })

const other = install({ appId: "A1", teamId: "T1", bot: botToken("one"), user: ["U", userToken("other")] })

/** More rows than one statement writes. */
const large = Installation.withCredentials(one, [
  ...one.credentials,
  ...Array.from(
    { length: 2100 },
    (_, n) => install({ appId: "A1", teamId: "T1", user: [`U${n}`, userToken(`${n}`)] }).users[0]!
  )
])

const operations: Readonly<
  Record<string, (store: InstallationStore.Service) => Effect.Effect<unknown, InstallationStore.InstallationStoreError>>
> = {
  "a removal": (store) => store.remove(one.key),
  "an import": (store) => store.save(other, { existing: "keep" }),
  "a large install": (store) => store.save(large)
}

/** The result of an operation as text: `done`, the failure, or `died`. */
const said = <A>(effect: Effect.Effect<A, InstallationStore.InstallationStoreError>) =>
  Effect.map(Effect.exit(effect), (exit) =>
    Exit.match(exit, {
      onSuccess: () => "done",
      onFailure: (cause) =>
        Option.match(Cause.failureOption(cause), {
          onNone: () => `died: ${Cause.pretty(cause)}`,
          onSome: ({ code, operation, reason }) => `${operation}: ${reason} ${code}`
        })
    }))

/** Makes a database refuse every commit while the table `refused` has a row: a deferred check fails then. */
const refuseCommits = (sql: SqlClient) =>
  sql.onDialectOrElse({
    pg: () =>
      Effect.all([
        sql`CREATE TABLE refused (n INTEGER)`,
        sql`CREATE FUNCTION refuse() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN
          IF EXISTS (SELECT 1 FROM refused) THEN RAISE EXCEPTION 'refused' USING ERRCODE = '23514'; END IF;
          RETURN NULL; END $$`,
        sql`CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON slack_oauth_installations
          DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`
      ]),
    orElse: () =>
      Effect.all([
        sql`CREATE TABLE refused (n INTEGER)`,
        sql`CREATE TABLE parents (id INTEGER PRIMARY KEY)`,
        sql`CREATE TABLE children (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)`,
        ...["INSERT", "UPDATE"].map((event) =>
          sql.unsafe(`CREATE TRIGGER refuse_${event} AFTER ${event} ON slack_oauth_installations
            WHEN EXISTS (SELECT 1 FROM refused) BEGIN INSERT INTO children VALUES (1); END`)
        )
      ])
  })

for (const [name, url] of Object.entries(databases)) {
  describe(`a commit that ${name} refuses`, () => {
    it.scopedLive("is a typed failure, and nothing is stored", () =>
      Effect.gen(function*() {
        const context = yield* Layer.build(
          Layer.provideMerge(Layer.provide(SqlInstallationStore.layer, cipher), connect(url))
        )
        const sql = Context.get(context, SqlClient)
        const store = yield* Effect.provide(
          SqlInstallationStore.make,
          Layer.merge(Layer.succeedContext(context), cipher)
        )
        const code = name === "Postgres" ? /23514/ : /SQLITE_CONSTRAINT/
        yield* store.save(one)
        yield* refuseCommits(sql)
        for (const [operation, run] of Object.entries(operations)) {
          // After a failed commit, this driver leaves the transaction open.
          if (name === "sqlite-node" && operation === "a large install") continue
          yield* sql`INSERT INTO refused VALUES (1)`
          assert.match(yield* said(run(store)), new RegExp(`^(remove|save): unavailable ${code.source}`), operation)
          yield* sql`DELETE FROM refused`
          assert.strictEqual(Option.getOrThrow(yield* store.get(one.key)).users.length, 0, operation)
        }
        assert.strictEqual(yield* said(store.remove(one.key)), "done")
      }), 60_000)
  })
}

describe("a client whose transactions fail", () => {
  const fails = (code: string) => Effect.fail(sqlError({ code }))
  const over = (sql: SqlClient, withTransaction: SqlClient["withTransaction"]): SqlClient => {
    const changed: Partial<SqlClient> = { withTransaction, withoutTransforms: () => client }
    const client = new Proxy(sql, { get: (target, key) => Reflect.get(key in changed ? changed : target, key) })
    return client
  }
  const failing = (steps: Partial<Transactions.Steps>) => (sql: SqlClient) => over(sql, Transactions.withSteps(steps))

  const points: Readonly<Record<string, readonly [says: string, client: (sql: SqlClient) => SqlClient]>> = {
    "no connection": [
      "unavailable ECONNREFUSED",
      failing({ connect: fails("ECONNREFUSED") })
    ],
    // Effect 3's clients then fail with what the rollback fails with, Effect 4's do not roll back.
    "a begin": ["unavailable (EPIPE|ECONNRESET)", failing({ begin: fails("ECONNRESET"), rollback: fails("EPIPE") })],
    "a begin, and the rollback works": ["unavailable ECONNRESET", failing({ begin: fails("ECONNRESET") })],
    "a commit": ["unavailable ECONNRESET", failing({ commit: fails("ECONNRESET") })],
    "a savepoint": [
      "unavailable (EPIPE|ECONNRESET)",
      (sql) => {
        const client = failing({
          savepoint: fails("ECONNRESET"),
          rollbackSavepoint: fails("EPIPE")
        })(sql)
        // All in a transaction of the caller.
        return over(sql, (effect) => client.withTransaction(client.withTransaction(effect)))
      }
    ],
    "a client without transactions": [
      "unsupported undefined",
      (sql) => over(sql, () => Transactions.unsupported)
    ]
  }

  for (const [point, [says, client]] of Object.entries(points)) {
    it.scopedLive(`fails the operations that need a transaction: ${point}`, () =>
      Effect.gen(function*() {
        const context = yield* Layer.build(connect(yield* libsqlUrl))
        yield* Effect.provide(Migrations.run, context)
        const sql = client(Context.get(context, SqlClient))
        const store = yield* SqlInstallationStore.make.pipe(
          Effect.provideService(SqlClient, sql),
          Effect.provide(cipher)
        )
        const { "a large install": saveMany, ...others } = operations
        assert.match(yield* said(saveMany(store)), new RegExp(`^save: ${says}$`))
        for (const [operation, run] of Object.entries(others)) {
          assert.strictEqual(yield* said(run(store)), "done", `${operation} needs no transaction`)
        }
        yield* Context.get(context, SqlClient)`DROP TABLE slack_oauth_migrations`
        assert.match(
          yield* said(Effect.provideService(Migrations.run, SqlClient, sql)),
          new RegExp(`^migrate: ${says}$`)
        )
      }), 30_000)
  }
})
