/** What the store reads, and rows that were changed by hand. */
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { connect } from "../utils/databases.js"
import * as Statements from "../utils/effect/statements.js"
import { acquire, databaseUrls } from "../utils/resources.js"

const databases = await acquire(Effect.all(databaseUrls))

const installation = new Installation.Installation({
  appId: "A1",
  target: new TokenResponse.Workspace({
    team: { id: "T1", name: Option.some("Example") },
    enterprise: Option.none()
  }),
  bot: Option.some(
    new Installation.BotCredential({
      token: new TokenResponse.BotToken({
        accessToken: Redacted.make("xoxb-by-hand"),
        scopes: ["chat:write"],
        expiry: Option.none(),
        botUserId: Option.none()
      }),
      generation: 1,
      issuedAt: DateTime.unsafeMake(1_700_000_000_000),
      reauthorization: Option.none()
    })
  ),
  users: [],
  incomingWebhook: Option.none(),
  installedBy: Option.none(),
  installedAt: DateTime.unsafeMake(1_700_000_000_000)
})

for (const [name, url] of Object.entries(databases)) {
  const live = SqlInstallationStore.layer.pipe(
    Layer.provide(TokenCipher.layerPlain),
    Layer.provideMerge(connect(url))
  )
  const reasonOf = <A>(
    read: Effect.Effect<A, InstallationStore.InstallationStoreError, InstallationStore.InstallationStore>
  ) => Effect.match(read, { onSuccess: () => "read", onFailure: ({ reason, row }) => `${reason} ${row}` })

  describe(`a credential listed, on ${name}`, () => {
    it.live("is read without its tokens", () =>
      Effect.gen(function*() {
        yield* InstallationStore.save(installation)
        const store = yield* InstallationStore.InstallationStore
        const statements: Array<string> = []
        const listen = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
          Statements.onEach(effect, (text) => statements.push(text))
        const selections: ReadonlyArray<InstallationStore.Selection> = [
          { state: "permanent" },
          { state: "dead" },
          { state: "rotating" },
          { state: "rotating", expiresBefore: DateTime.unsafeMake(1_800_000_000_000) }
        ]
        const found = yield* listen(
          Effect.forEach(selections, (selection) => Stream.runCount(store.credentials(selection)))
        )
        assert.deepStrictEqual(found, [1, 0, 0, 0])
        assert.strictEqual(statements.length, 4)
        for (const statement of statements) assert.notMatch(statement, /secret|details|scopes/)
      }).pipe(Effect.provide(live)))
  })

  describe(`a row changed by hand, on ${name}`, () => {
    it.live("with an invalid time is unreadable, and the error names the row", () =>
      Effect.gen(function*() {
        const { key } = yield* InstallationStore.save(installation)
        const sql = yield* SqlClient.SqlClient
        const store = yield* InstallationStore.InstallationStore
        for (const column of ["issued_at", "expires_at", "dead_since"]) {
          yield* sql`UPDATE slack_oauth_installations SET ${sql(column)} = CAST(9000000000000000 AS BIGINT),
            dead_code = ${column === "dead_since" ? "token_revoked" : null}
            WHERE installation = 'A1/workspace/T1' AND subject = 'bot'`
          const state = column === "dead_since" ? "dead" : column === "expires_at" ? "rotating" : "permanent"
          const reasons = yield* Effect.all([
            reasonOf(store.get(key)),
            reasonOf(store.credential(Installation.botKey(key))),
            reasonOf(Stream.runDrain(store.stream)),
            reasonOf(Stream.runDrain(store.credentials({ state })))
          ])
          assert.deepStrictEqual(new Set(reasons), new Set(["unreadable A1/workspace/T1/bot"]), column)
          yield* sql`UPDATE slack_oauth_installations
            SET issued_at = 1700000000000, expires_at = NULL, dead_code = NULL, dead_since = NULL
            WHERE installation = 'A1/workspace/T1' AND subject = 'bot'`
          assert.strictEqual(yield* reasonOf(store.get(key)), "read")
        }
        yield* sql`UPDATE slack_oauth_installations SET issued_at = CAST(9000000000000000 AS BIGINT)
          WHERE installation = 'A1/workspace/T1' AND subject = ''`
        assert.strictEqual(yield* reasonOf(store.get(key)), "unreadable A1/workspace/T1")
      }).pipe(Effect.provide(live)))

    it.live("with an invalid id is unreadable, and the error names the row", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const store = yield* InstallationStore.InstallationStore
        yield* sql`DELETE FROM slack_oauth_installations`
        yield* InstallationStore.save(installation)
        yield* sql`UPDATE slack_oauth_installations SET installation = 'A%/workspace/T1'`
        assert.strictEqual(yield* reasonOf(Stream.runDrain(store.stream)), "unreadable A%/workspace/T1")
        assert.strictEqual(
          yield* reasonOf(Stream.runDrain(store.credentials({ state: "permanent" }))),
          "unreadable A%/workspace/T1/bot"
        )
      }).pipe(Effect.provide(live)))
  })
}
