import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import * as Path from "node:path"
import { buffer } from "node:stream/consumers"
import { vi } from "vitest"
import type { Finding } from "../cli/doctor/finding.js"
import { readProject } from "../cli/doctor/project.js"
import { root } from "./utils/bundle.js"
import * as Cli from "./utils/cli.js"
import { connect, libsqlUrl, schemaUrl, temporaryFolder } from "./utils/databases.js"
import { acquire, postgres } from "./utils/resources.js"
import { cipher, testKeys } from "./utils/stores.js"

const postgresUrl = await acquire(postgres)

const slack = OAuthV2.layer.pipe(
  Layer.provideMerge(Layer.mergeAll(FetchHttpClient.layer, SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())),
  Layer.provideMerge(SlackEmulator.layer()),
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

/** Serves a web handler on a port. `change` sees each response before the client does, as a proxy would. */
const listen = (handler: (url: string) => (request: Request) => Promise<Response>) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ readonly url: string; readonly close: () => void }>((resolve) => {
        const server = createServer(async (request, response) => {
          const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
          const body = await buffer(request)
          const answer = await handler(url)(
            new Request(`${url}${request.url}`, {
              method: request.method ?? "GET",
              headers: Object.entries(request.headers).map(([name, value]): [string, string] => [name, String(value)]),
              body: body.length === 0 ? null : body
            })
          )
          response.writeHead(answer.status, [...answer.headers].flat())
          response.end(Buffer.from(await answer.arrayBuffer()))
        }).listen(0, "127.0.0.1", () =>
          resolve({
            url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
            close: () => server.close()
          }))
      })
    ),
    ({ close }) => Effect.sync(close)
  )

/** An address at which nothing listens any more. */
const gone = Effect.map(Effect.scoped(listen(() => async () => new Response())), ({ url }) => url)

/** A server with an install flow and an event address, as an app has them. */
const appServer = Effect.gen(function*() {
  const app = Layer.succeed(SlackApp.SlackApp, yield* SlackApp.SlackApp)
  const client = OAuthV2.layer.pipe(Layer.provide(app), Layer.provide(FetchHttpClient.layer))
  const store = InstallationStore.layerMemory
  const events = Lifecycle.webHandler(Layer.merge(app, store))
  const install = (publicUrl: string) =>
    InstallFlow.toWebHandler(
      InstallFlow.layer({ publicUrl, botScopes: ["chat:write"], onInstalled: () => Effect.void }).pipe(
        Layer.provide([PendingInstall.layerMemory(), client, app])
      )
    )
  let flow: ReturnType<typeof install> | undefined
  return yield* listen((url) => (request) =>
    new URL(request.url).pathname === "/slack/events"
      ? events.handler(request)
      : (flow ??= install(url)).handler(request)
  )
})

/** The variables of a healthy app. */
const settings = Effect.gen(function*() {
  const { baseUrl, clientId } = yield* SlackApp.SlackApp
  const { clientSecret, id, signingSecret } = yield* SlackEmulator.app
  return {
    SLACK_BASE_URL: baseUrl,
    SLACK_CLIENT_ID: clientId,
    SLACK_CLIENT_SECRET: Redacted.value(clientSecret),
    SLACK_APP_ID: id,
    SLACK_SIGNING_SECRET: Redacted.value(signingSecret),
    SLACK_TOKEN_KEYS: testKeys
  }
})

const put = (folder: string, place: string, version = "") => {
  Fs.mkdirSync(Path.join(folder, "node_modules", place), { recursive: true })
  Fs.writeFileSync(Path.join(folder, "node_modules", place, "package.json"), JSON.stringify({ version }))
}

/** The folder of an app with this package and what it needs. */
const project = Effect.map(temporaryFolder, (folder) => {
  const { devDependencies, peerDependencies, version } = JSON.parse(
    Fs.readFileSync(Path.join(root, "package.json"), "utf8")
  ) as Readonly<Record<"devDependencies" | "peerDependencies", Record<string, string>>> & { readonly version: string }
  put(folder, "effect-slack-oauth", version)
  for (const name of Object.keys(peerDependencies)) put(folder, name, devDependencies[name])
  return folder
})

/** Runs the command in such a folder. */
const doctor = (env: Readonly<Record<string, string | undefined>>, ...args: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const cwd = vi.spyOn(process, "cwd").mockReturnValue(yield* project)
    const ended = yield* Effect.promise(() => Cli.runHere(["doctor", "--json", ...args], env)).pipe(
      Effect.ensuring(Effect.sync(() => cwd.mockRestore()))
    )
    const { findings } = JSON.parse(ended.stdout) as { readonly findings: ReadonlyArray<Finding> }
    return {
      ...ended,
      findings,
      levels: Object.fromEntries(findings.map(({ id, level }) => [id, level])),
      of: (id: string) => findings.find((finding) => finding.id === id)
    }
  }).pipe(Effect.scoped)

/** Installs the app once, into a database. */
const installInto = (url: string) =>
  Effect.gen(function*() {
    const { code } = yield* SlackEmulator.authorize()
    const response = yield* OAuthV2.access({ code })
    yield* InstallationStore.save(Installation.fromTokenResponse(response, yield* DateTime.now))
  }).pipe(
    Effect.provide(SqlInstallationStore.layer.pipe(Layer.provide(connect(url)), Layer.provide(cipher)))
  )

/** All rows of the store, as they are in the database. */
const rowsIn = (url: string) =>
  Effect.provide(
    Effect.flatMap(SqlClient.SqlClient, (sql) => sql`SELECT * FROM slack_oauth_installations ORDER BY 1, 2`),
    connect(url)
  )

const databases = { libsql: libsqlUrl, Postgres: schemaUrl(postgresUrl) }

describe("the command doctor", () => {
  for (const [name, database] of Object.entries(databases)) {
    it.scopedLive(`finds nothing wrong with an app that works, changes nothing and prints no secret: ${name}`, () =>
      Effect.gen(function*() {
        const url = yield* database
        yield* installInto(url)
        const { url: publicUrl } = yield* appServer
        const env = { ...(yield* settings), PUBLIC_URL: publicUrl, DATABASE_URL: url }
        const before = yield* SlackEmulator.calls
        const rows = yield* rowsIn(url)
        const ended = yield* doctor(env)

        assert.deepStrictEqual(ended.findings.filter(({ level }) => level === "error"), [])
        assert.strictEqual(ended.code, 0, ended.stderr)
        for (
          const id of [
            ...["credentials", "clock", "install-address", "install-cookie", "callback-address", "event-address"],
            ...["event-signature", "database", "database-migrated", "database-contract", "stored-tokens"]
          ]
        ) {
          assert.strictEqual(ended.levels[id], "ok", `${id}: ${ended.of(id)?.what}`)
        }

        const calls = (yield* SlackEmulator.calls).slice(before.length)
        assert.deepStrictEqual(calls.map(({ method, result }) => [method, result]), [[
          "oauth.v2.access",
          "invalid_code"
        ]])
        assert.include(ended.stderr, "doctor changes nothing, and prints no secret.")
        assert.include(ended.stderr, "with a code that nobody was given")
        for (const secret of [env.SLACK_CLIENT_SECRET, env.SLACK_SIGNING_SECRET, testKeys.slice(5), url]) {
          assert.notInclude(ended.stdout + ended.stderr, secret)
        }

        assert.deepStrictEqual(yield* rowsIn(url), rows)
      }).pipe(Effect.provide(slack)))
  }

  it.scopedLive("finds each of several things that are wrong at once, ends with 3, and prints none of the secrets", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* installInto(url)
      const { url: publicUrl } = yield* appServer
      const wrong = {
        ...(yield* settings),
        SLACK_CLIENT_SECRET: "not-the-secret-of-this-app",
        SLACK_SIGNING_SECRET: "not-the-signing-secret",
        SLACK_TOKEN_KEYS: `other:${Buffer.alloc(32, 9).toString("base64")}`
      }
      const ended = yield* doctor(
        wrong,
        "--public-url",
        publicUrl,
        "--database",
        url,
        "--redirect-url",
        `${publicUrl}/a`
      )
      assert.strictEqual(ended.code, 3)
      assert.strictEqual(ended.of("credentials")?.level, "error")
      assert.include(ended.of("credentials")?.what, "bad_client_secret")
      assert.strictEqual(ended.of("event-signature")?.level, "error")
      assert.include(ended.of("stored-tokens")?.what, "not in SLACK_TOKEN_KEYS")
      assert.include(ended.of("redirect-url")?.what, "has another path (/a)")
      for (const secret of [wrong.SLACK_CLIENT_SECRET, wrong.SLACK_SIGNING_SECRET, wrong.SLACK_TOKEN_KEYS.slice(6)]) {
        assert.notInclude(ended.stdout + ended.stderr, secret)
      }
    }).pipe(Effect.provide(slack)))

  it.live("calls nothing with --offline, and prints text for people", () =>
    Effect.gen(function*() {
      const { code, stderr, stdout } = yield* Effect.promise(() =>
        Cli.runHere(["doctor", "--offline"], {
          SLACK_CLIENT_ID: "A0123ABCDEF",
          SLACK_TOKEN_KEYS: "plain",
          SLACK_BASE_URL: "http://127.0.0.1:1",
          DATABASE_URL: "postgres://nobody:a-password@127.0.0.1:1/none"
        })
      )
      assert.strictEqual(code, 3)
      assert.include(stderr, "Nothing is called.")
      assert.match(stdout, /^ERROR {3}client-id {12}The client id is an app id/m)
      assert.match(stdout, /^warning token-keys/m)
      assert.match(stdout, /^\d+ errors, \d+ warnings?, \d+ ok, \d+ skipped\.$/m)
      assert.notInclude(stdout, "ECONNREFUSED")
    }))

  it.live("says of a Slack and a database that do not answer that they do not, without the password", () =>
    Effect.gen(function*() {
      const nowhere = yield* gone
      const ended = yield* doctor({
        SLACK_CLIENT_ID: "1.2",
        SLACK_CLIENT_SECRET: "0123456789abcdef0123456789abcdef",
        SLACK_BASE_URL: nowhere,
        DATABASE_URL: nowhere.replace("http://", "postgres://nobody:a-password@")
      })
      assert.strictEqual(ended.code, 3)
      assert.include(ended.of("credentials")?.what, "did not answer (ECONNREFUSED)")
      assert.strictEqual(ended.of("database")?.level, "error")
      assert.notInclude(ended.stdout + ended.stderr, "a-password")
    }))

  it.scopedLive("creates no database that does not exist, and names one that is in memory", () =>
    Effect.gen(function*() {
      const path = Path.join(yield* temporaryFolder, "none.db")
      const missing = yield* doctor({ SLACK_BASE_URL: "http://127.0.0.1:1", DATABASE_URL: `file:${path}` })
      assert.strictEqual(missing.of("database")?.level, "warning")
      assert.isFalse(Fs.existsSync(path))
      const memory = yield* doctor({ SLACK_BASE_URL: "http://127.0.0.1:1", DATABASE_URL: "file::memory:" })
      assert.include(memory.of("database")?.what, "in memory")
    }))

  it.scopedLive("sees every copy of effect that is installed", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      put(folder, "effect", "3.22.4")
      put(folder, "effect-slack-oauth", "0.1.0")
      put(folder, "some-tool/node_modules/effect", "3.10.0")
      put(folder, "@scope/tool/node_modules/effect", "3.19.19")
      put(folder, ".pnpm/effect@2.0.0/node_modules/effect", "2.0.0")
      Fs.mkdirSync(Path.join(folder, "packages/app"), { recursive: true })
      const project = yield* readProject(Path.join(folder, "packages/app"), "20.19.0")
      assert.strictEqual(project.own, "0.1.0")
      assert.deepStrictEqual(project.packages, [{ name: "effect", version: "3.22.4" }])
      assert.sameMembers([...project.effects], ["3.22.4", "3.10.0", "3.19.19", "2.0.0"])
    }).pipe(Effect.provide(NodeContext.layer)))
})
