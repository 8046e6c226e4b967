import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Libsql from "effect-slack-oauth/sql/Libsql"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import { type AddressInfo, createServer as createSocketServer, type Server } from "node:net"
import * as Path from "node:path"
import { beforeAll } from "vitest"
import * as Cli from "./utils/cli.js"
import { connect, libsqlUrl, temporaryFolder } from "./utils/databases.js"
import { authTest } from "./utils/emulator.js"
import { postgresUrl } from "./utils/resources.js"
import { testKeys } from "./utils/stores.js"

const file = ".tmp/cli/migrate-tokens.js"

const size = 30

const slack = OAuthV2.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(FetchHttpClient.layer, SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())),
  Layer.provideMerge(
    SlackEmulator.layer({
      apps: [{ rotation: false }],
      workspaces: Array.from({ length: size }, (_, index) => ({ id: `T0LEGACY${index}` }))
    })
  ),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const withStore = (url: string) =>
  Effect.provide(
    SqlInstallationStore.layer.pipe(
      Layer.provide(Libsql.layer({ url: url as `file:${string}` })),
      Layer.provide(TokenCipher.layerPlain)
    )
  )

const setting = (url: string) =>
  Effect.gen(function*() {
    const { baseUrl, clientId, clientSecret } = yield* SlackApp.SlackApp
    return {
      PATH: process.env.PATH,
      DATABASE_URL: url,
      SLACK_BASE_URL: baseUrl,
      SLACK_CLIENT_ID: clientId,
      SLACK_CLIENT_SECRET: Redacted.value(clientSecret!),
      SLACK_TOKEN_KEYS: "plain"
    }
  })

const command = (env: NodeJS.ProcessEnv, ...args: ReadonlyArray<string>) =>
  Effect.promise(() => Cli.run(file, ["migrate-tokens", ...args], env))

const legacy = Effect.gen(function*() {
  for (let index = 0; index < size; index++) {
    const { code } = yield* SlackEmulator.authorize({ workspace: `T0LEGACY${index}` })
    const response = yield* OAuthV2.access({ code })
    yield* InstallationStore.save(Installation.fromTokenResponse(response, yield* DateTime.now))
  }
  yield* SlackEmulator.enableRotation()
})

const exchanges = Effect.map(
  SlackEmulator.calls,
  (calls) => calls.filter(({ method }) => method === "oauth.v2.exchange").length
)

const rotating = Effect.gen(function*() {
  const store = yield* InstallationStore.InstallationStore
  const bots = Array.from(yield* Stream.runCollect(store.stream), ({ bot }) => Option.getOrThrow(bot))
  for (const { token } of bots) assert.propertyVal(yield* authTest(token.accessToken), "ok", true)
  return bots.filter(({ token }) => Option.isSome(token.expiry)).length
})

describe("the command migrate-tokens", () => {
  beforeAll(() => Cli.bundle(file))

  it.scopedLive("counts in a dry run, can be stopped, and continues in the next run", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* withStore(url)(legacy)
      const env = yield* setting(url)

      const looked = yield* command(env, "--dry-run")
      assert.strictEqual(looked.code, 0, looked.stderr)
      assert.include(looked.stdout, `${size} long-lived tokens would be exchanged`)
      assert.strictEqual(yield* exchanges, 0)

      // Ten a second, and a Ctrl+C after the tenth.
      const child = yield* Effect.acquireRelease(
        Effect.sync(() => spawn(process.execPath, [file, "migrate-tokens", "--rate", "600"], { env })),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
      let output = ""
      child.stdout.on("data", (data) => output += String(data))
      const ended = new Promise((resolve) => child.once("close", resolve))
      while ((yield* exchanges) < 10) {
        assert.isNull(child.exitCode, output)
        yield* Effect.sleep("10 millis")
      }
      child.kill("SIGINT")
      assert.strictEqual(yield* Effect.promise(() => ended), 130)
      assert.match(output, /Stopped: \d+ exchanged, .* Run it again/)
      const before = yield* exchanges
      assert.isBelow(before, size)
      assert.strictEqual(yield* withStore(url)(rotating), before)

      const finished = yield* command(env, "--rate", "6000")
      assert.strictEqual(finished.code, 0, finished.stderr + finished.stdout)
      assert.include(finished.stdout, `${size - before} exchanged`)
      assert.strictEqual(yield* withStore(url)(rotating), size)
      assert.strictEqual(yield* exchanges, size)
      assert.deepStrictEqual(yield* SlackEmulator.replays, [])
    }).pipe(Effect.provide(slack)), 60_000)

  it.scopedLive("names the settings that are missing", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const { code, stderr } = yield* command({ PATH: process.env.PATH, NO_COLOR: "1", DATABASE_URL: url })
      assert.strictEqual(code, 1)
      assert.match(stderr, /^SLACK_CLIENT_ID: Expected .*\nSLACK_CLIENT_SECRET: Expected .*\n$/)
    }))

  const plain = (url: string) => ({ PATH: process.env.PATH, DATABASE_URL: url, SLACK_TOKEN_KEYS: "plain" })

  /** A store with one long-lived token, as an older version left it: with the first migration only. */
  const oldStore = (url: string) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* SqlInstallationStore.layer.pipe(
        Layer.provide(TokenCipher.layerPlain),
        Layer.build,
        Effect.flatMap((context) =>
          Context.get(context, InstallationStore.InstallationStore).save(
            new Installation.Installation({
              appId: "A1",
              target: new TokenResponse.Workspace({
                team: { id: "T1", name: Option.none() },
                enterprise: Option.none()
              }),
              bot: Option.some(
                new Installation.BotCredential({
                  generation: 1,
                  issuedAt: DateTime.unsafeMake(0),
                  reauthorization: Option.none(),
                  token: new TokenResponse.BotToken({
                    accessToken: Redacted.make("xoxb-test-legacy"),
                    scopes: ["chat:write"],
                    botUserId: Option.none(),
                    expiry: Option.none()
                  })
                })
              ),
              users: [],
              incomingWebhook: Option.none(),
              installedBy: Option.none(),
              installedAt: DateTime.unsafeMake(0)
            })
          )
        )
      )
      yield* sql`DROP TABLE slack_oauth_pending_installs`
      yield* sql`ALTER TABLE slack_oauth_installations DROP COLUMN metadata`
      yield* sql`DELETE FROM slack_oauth_migrations WHERE migration_id > 1`
    }).pipe(Effect.scoped, Effect.provide(connect(url)))

  /** All files of a folder, but what the memory shared between SQLite's processes holds. */
  const filesIn = (folder: string) =>
    Fs.readdirSync(folder).sort().map((name) =>
      [name, name.endsWith("-shm") ? "" : Fs.readFileSync(Path.join(folder, name)).toString("base64")] as const
    )

  for (const journal of ["DELETE", "WAL"]) {
    it.scopedLive(`changes no byte of a file in a dry run, and creates none (journal_mode ${journal})`, () =>
      Effect.gen(function*() {
        const url = yield* libsqlUrl
        const folder = Path.dirname(url.slice("file:".length))
        const copy = Path.join(folder, "copy.db")
        yield* oldStore(url)
        yield* Effect.provide(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`VACUUM INTO ${copy}`), connect(url))
        for (const name of Fs.readdirSync(folder)) {
          if (name !== "copy.db") Fs.rmSync(Path.join(folder, name))
        }
        if (journal === "WAL") {
          // https://sqlite.org/fileformat.html#file_format_version_numbers
          const bytes = Fs.readFileSync(copy)
          bytes.fill(2, 18, 20)
          Fs.writeFileSync(copy, bytes)
        }
        const before = filesIn(folder)
        const { code, stderr, stdout } = yield* command(plain(`file:${copy}`), "--dry-run")
        assert.strictEqual(code, 0, stderr)
        assert.include(stdout, "1 long-lived tokens would be exchanged, 0 are unreadable.")
        assert.deepStrictEqual(filesIn(folder), before)
      }))
  }

  it.scopedLive("changes no byte of a file that another process has open in a dry run", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      const folder = Path.dirname(url.slice("file:".length))
      yield* oldStore(url)
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`UPDATE slack_oauth_installations SET issued_at = 1`
        const before = filesIn(folder)
        assert.deepInclude(before.map(([name]) => name), "test.db-wal")
        const { code, stderr, stdout } = yield* command(plain(url), "--dry-run")
        assert.strictEqual(code, 0, stderr)
        assert.include(stdout, "1 long-lived tokens would be exchanged")
        assert.deepStrictEqual(filesIn(folder), before)
      }).pipe(Effect.provide(connect(url)))
    }))

  it.scopedLive("does not migrate the tables of a Postgres database in a dry run", () =>
    Effect.gen(function*() {
      const url = yield* postgresUrl
      const none = yield* command(plain(url), "--dry-run")
      assert.strictEqual(none.code, 1)
      assert.include(
        none.stderr,
        "The database has no table slack_oauth_installations. Give the URL of the database that has it."
      )
      yield* oldStore(url)
      const { code, stderr, stdout } = yield* command(plain(url), "--dry-run")
      assert.strictEqual(code, 0, stderr)
      assert.include(stdout, "1 long-lived tokens would be exchanged")
      const migrations = yield* Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT 1 FROM slack_oauth_migrations`),
        connect(url)
      )
      assert.strictEqual(migrations.length, 1)
    }))

  it.scopedLive("reports that there is no store, and does not create one", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const at = (name: string) => `file:${Path.join(folder, name)}`
      Fs.writeFileSync(Path.join(folder, "text.db"), "this is text")
      Fs.writeFileSync(Path.join(folder, "empty.db"), "")
      const before = filesIn(folder)
      const app = { SLACK_CLIENT_ID: "1.2", SLACK_CLIENT_SECRET: "test-secret", SLACK_BASE_URL: "http://127.0.0.1:1" }
      for (
        const [url, args, words] of [
          [
            at("none.db"),
            ["--dry-run"],
            "none.db does not exist. Give the URL of the database with slack_oauth_installations."
          ],
          [at("none.db"), [], "none.db does not exist. Give the URL of the database with slack_oauth_installations."],
          [at("text.db"), ["--dry-run"], "text.db is not a SQLite database. Check the path."],
          [at("empty.db"), [], "The database has no table slack_oauth_installations."],
          [`file:${folder}`, [], "is not a file."],
          ["postgres://127.0.0.1:1/none", ["--dry-run"], "The Postgres database cannot be reached."]
        ] as const
      ) {
        const { code, stderr } = yield* command({ ...plain(url), ...app }, ...args)
        assert.strictEqual(code, 1)
        assert.include(stderr, words)
        assert.strictEqual(stderr.trim().split("\n").length, 1, stderr)
      }
      assert.deepStrictEqual(filesIn(folder), before)
    }))

  it.scopedLive("gives up on a Postgres server that never answers", () =>
    Effect.gen(function*() {
      const server = yield* Effect.acquireRelease(
        Effect.async<Server>((resume) => {
          const server = createSocketServer(() => {}).listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      const { port } = server.address() as AddressInfo
      const { code, stderr } = yield* command(plain(`postgres://x:secret@127.0.0.1:${port}/x`), "--dry-run")
      assert.strictEqual(code, 1)
      assert.strictEqual(
        stderr.trim(),
        "The Postgres database cannot be reached. Check its URL and that it is running."
      )
    }))

  it.scopedLive.runIf(process.getuid?.() !== 0)(
    "reports that a file is read-only, and reads it in a dry run",
    () =>
      Effect.gen(function*() {
        const url = yield* libsqlUrl
        yield* oldStore(url)
        Fs.chmodSync(url.slice("file:".length), 0o444)
        const app = { SLACK_CLIENT_ID: "1.2", SLACK_CLIENT_SECRET: "test-secret", SLACK_BASE_URL: "http://127.0.0.1:1" }
        const { code, stderr } = yield* command({ ...plain(url), ...app })
        assert.strictEqual(code, 1)
        assert.include(stderr, "test.db does not exist or cannot be written to. Check its permissions.")
        assert.strictEqual((yield* command(plain(url), "--dry-run")).code, 0)
      })
  )

  it.scopedLive("reports a wrong key in a dry run without printing a key", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* oldStore(url)
      const { code, stderr, stdout } = yield* command({ ...plain(url), SLACK_TOKEN_KEYS: testKeys }, "--dry-run")
      assert.strictEqual(code, 1)
      assert.include(stdout, "0 long-lived tokens would be exchanged, 1 are unreadable.")
      assert.include(stdout, "notSealed")
      assert.include(stderr, "Some tokens cannot be exchanged")
      assert.notInclude(stdout + stderr, testKeys)
      assert.notInclude(stdout + stderr, "xoxb")
    }))

  it.scopedLive("ends with 2 when another process is using a token", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* oldStore(url)
      yield* withStore(url)(Effect.flatMap(InstallationStore.InstallationStore, (store) =>
        store.acquireLease(
          new Installation.CredentialKey({ installation: Installation.workspace("A1", "T1"), subject: "bot" }),
          { holder: "another process", intent: "refresh", duration: "1 minute" }
        )))
      const { code, stderr, stdout } = yield* command(yield* setting(url))
      assert.strictEqual(code, 2, stdout + stderr)
      assert.include(stdout, "0 failed, 1 skipped.")
      assert.include(
        stderr,
        "1 tokens were skipped, because another process was using or had changed them. Run it again."
      )
    }).pipe(Effect.provide(slack)))
})
