/**
 * An app with an install flow and a token manager on one Postgres. It reads questions from its input, one in a line, and
 * answers each in a line. `scripts/majors.mjs` runs it for both majors of Effect at once.
 */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as SqlClient from "@effect/sql/SqlClient"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SqlPendingInstallStore from "effect-slack-oauth/sql/SqlPendingInstallStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { createInterface } from "node:readline"

/** What the script asks. */
type Question =
  /** A browser's request to the install flow. */
  | { readonly ask: "browser"; readonly url: string; readonly cookie: string }
  /** The bot's token of a workspace, by so many callers at once. */
  | { readonly ask: "tokens"; readonly teamId: string; readonly callers: number }
  /** What is stored for a workspace. */
  | { readonly ask: "stored"; readonly teamId: string }
  /** Lets all tokens run out. */
  | { readonly ask: "expire" }

const StoreLive = SqlInstallationStore.layer.pipe(
  Layer.provideMerge(SqlPendingInstallStore.layer),
  Layer.provide(Migrations.layer),
  Layer.provideMerge(PgClient.layer({ url: Redacted.make(process.env.DATABASE_URL ?? "") })),
  Layer.provide(TokenCipher.layerConfig)
)

const AppLive = Layer.merge(
  TokenManager.layer(),
  InstallFlow.layer({
    publicUrl: "https://example.com",
    botScopes: ["chat:write"],
    onInstalled: ({ requestedAt, response }) =>
      InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))
  })
).pipe(
  Layer.provideMerge(StoreLive),
  Layer.provideMerge(OAuthV2.layer),
  Layer.provide([SlackApp.layerConfig, FetchHttpClient.layer])
)

type Services =
  | InstallFlow.InstallFlow
  | InstallationStore.InstallationStore
  | SqlClient.SqlClient
  | TokenManager.TokenManager

const keyOf = (teamId: string) =>
  Effect.map(InstallationStore.find({ appId: "A0EMULATED", teamId }), (found) => Option.getOrThrow(found).key)

const answer = (question: Question): Effect.Effect<unknown, unknown, Services> => {
  switch (question.ask) {
    case "browser": {
      const { cookie, url } = question
      return Effect.gen(function*() {
        const flow = yield* InstallFlow.InstallFlow
        const response = yield* flow.handle(new Request(url, { headers: { cookie } }))
        return {
          status: response.status,
          location: response.headers.get("location"),
          cookies: response.headers.getSetCookie().map((line) => line.split(";")[0])
        }
      })
    }
    case "tokens":
      return Effect.flatMap(keyOf(question.teamId), (key) =>
        Effect.map(
          Effect.all(Array.from({ length: question.callers }, () => TokenManager.botToken(key)), {
            concurrency: "unbounded"
          }),
          (tokens) => tokens.map(Redacted.value)
        ))
    case "expire":
      return Effect.flatMap(
        SqlClient.SqlClient,
        (sql) => sql`UPDATE slack_oauth_installations SET expires_at = issued_at WHERE subject = 'bot'`
      )
    case "stored":
      return Effect.map(
        Effect.flatMap(keyOf(question.teamId), (key) => InstallationStore.get(key)),
        (found) => {
          const { bot, key, target } = Option.getOrThrow(found)
          const { generation, token } = Option.getOrThrow(bot)
          return { key: String(key), target: target._tag, generation, token: Redacted.value(token.accessToken) }
        }
      )
  }
}

const runtime = ManagedRuntime.make(AppLive)
await runtime.runPromise(Effect.void)
const say = (value: unknown) => console.log(`answer ${JSON.stringify(value)}`)
say("ready")
for await (const line of createInterface(process.stdin)) {
  const question = JSON.parse(line) as Question
  say(await runtime.runPromise(answer(question)))
}
await runtime.dispose()
