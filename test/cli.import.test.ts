import * as SqlClient from "@effect/sql/SqlClient"
import { FileInstallationStore } from "@slack/oauth"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import * as Cli from "./utils/cli.js"
import { connect, temporaryFolder } from "./utils/databases.js"
import { acquire } from "./utils/resources.js"
import { sql as sqlStore, testKeys } from "./utils/stores.js"

const folder = await acquire(temporaryFolder)

const file = ".tmp/cli/import.js"

const command = (...args: ReadonlyArray<string>) => Cli.run(file, ["import", ...args], { SLACK_TOKEN_KEYS: testKeys })

const database = (name: string): `file:${string}` => `file:${Path.join(folder, name)}`

const read = (url: string, key: Installation.InstallationKey) =>
  Effect.runPromise(Effect.provide(InstallationStore.get(key), sqlStore(url)))

const tokenOf = (credential: Option.Option<Installation.Credential>) =>
  Option.getOrUndefined(Option.map(credential, ({ token }) => Redacted.value(token.accessToken)))

const installation = (teamId: string, userId: string, name: string) => ({
  team: { id: teamId, name: "Team" },
  enterprise: undefined,
  user: { id: userId, token: `xoxp-test-${name}`, scopes: ["search:read"] },
  bot: { id: "B1", userId: "U0BOT", token: `xoxb-test-${name}`, scopes: ["chat:write"] },
  appId: "A1",
  tokenType: "bot" as const,
  isEnterpriseInstall: false as const,
  authVersion: "v2" as const
})

describe("the command effect-slack-oauth import", () => {
  beforeAll(() => Cli.bundle(file))
  afterAll(() => Fs.rmSync(file, { force: true }))

  it("imports the files of @slack/oauth's file store", async () => {
    const theirs = new FileInstallationStore({ baseDir: Path.join(folder, "bolt"), clientId: "1.1" })
    await theirs.storeInstallation(installation("T1", "U1", "one"))
    await theirs.storeInstallation(installation("T1", "U2", "two"))
    await theirs.storeInstallation(installation("T2", "U1", "three"))
    await theirs.storeInstallation({
      ...installation("", "U9", "org"),
      team: undefined,
      enterprise: { id: "E1", name: "Org" },
      isEnterpriseInstall: true as const
    })
    const url = database("bolt.db")
    const args = ["slack-oauth", Path.join(folder, "bolt"), "--to", url]

    const dry = await command(...args, "--dry-run")
    assert.strictEqual(dry.code, 0, dry.stderr)
    assert.include(dry.stdout, "7 credentials would be imported, 7 kept")
    assert.isFalse(Fs.existsSync(Path.join(folder, "bolt.db")))

    const { code, stderr, stdout } = await command(...args)
    assert.strictEqual(code, 0, stderr)
    assert.include(stdout, "7 rows, 7 installations: 7 credentials imported, 7 kept")
    assert.notInclude(stdout + stderr, "xox")
    const one = Option.getOrThrow(await read(url, Installation.workspace("A1", "T1")))
    assert.strictEqual(tokenOf(one.bot), "xoxb-test-two")
    assert.deepStrictEqual([tokenOf(one.user("U1")), tokenOf(one.user("U2"))], ["xoxp-test-one", "xoxp-test-two"])
    const organization = Option.getOrThrow(await read(url, Installation.organization("A1", "E1")))
    assert.strictEqual(tokenOf(organization.bot), "xoxb-test-org")

    assert.include((await command(...args, "--dry-run")).stdout, "0 credentials would be imported, 14 kept")
    assert.include((await command(...args)).stdout, "0 credentials imported, 14 kept")
  })

  it("imports JSON lines, lists unreadable rows, and ends with 1", async () => {
    const path = Path.join(folder, "rows.jsonl")
    const lines = [
      JSON.stringify(installation("T1", "U1", "one")),
      "{ not JSON with xoxb-test-canary",
      JSON.stringify({ ...installation("T2", "U1", "two"), appId: undefined })
    ]
    Fs.writeFileSync(path, lines.join("\n"))
    const { code, stderr, stdout } = await command("slack-oauth", path, "--to", database("lines.db"))
    assert.strictEqual(code, 1)
    assert.include(
      stdout,
      "3 rows, 1 installations: 2 credentials imported, 0 kept, 2 rows unreadable."
    )
    assert.include(stdout, "line 2: it is not an object")
    assert.include(stdout, "line 3: it does not name an app; give the app id")
    assert.notInclude(stdout + stderr, "canary")
    const again = await command("slack-oauth", path, "--to", database("lines.db"), "--app-id", "A1")
    assert.include(again.stdout, "2 credentials imported")
  })

  it("imports the tables of python-slack-sdk", async () => {
    const from = database("python.db")
    await Effect.runPromise(
      Effect.flatMap(SqlClient.SqlClient, (sql) =>
        Effect.all([
          sql`CREATE TABLE slack_bots (id integer primary key, client_id text, app_id text, enterprise_id text, team_id text,
            bot_token text, bot_user_id text, bot_scopes text, is_enterprise_install boolean, installed_at datetime)`,
          sql`INSERT INTO slack_bots VALUES (1, '1.1', 'A1', '', 'T1', 'xoxb-test-python', 'U0BOT', 'chat:write', 0, '2026-01-01 00:00:00')`
        ])).pipe(Effect.provide(connect(from)))
    )
    const { code, stderr, stdout } = await command("python", from, "--to", database("from-python.db"))
    assert.strictEqual(code, 0, stderr)
    assert.include(stdout, "1 rows, 1 installations: 1 credentials imported")
    const found = Option.getOrThrow(await read(database("from-python.db"), Installation.workspace("A1", "T1")))
    assert.strictEqual(tokenOf(found.bot), "xoxb-test-python")
  })

  it("explains what is wrong with a path or a database", async () => {
    Fs.writeFileSync(Path.join(folder, "empty.db"), "")
    Fs.writeFileSync(Path.join(folder, "text.db"), "this is text")
    const rows = Path.join(folder, "one.json")
    Fs.writeFileSync(rows, JSON.stringify(installation("T1", "U1", "one")))
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
      [["slack-oauth", Path.join(folder, "none"), "--to", database("x.db")], "cannot be read"],
      [["slack-oauth", folder, "--to", "mysql://x"], "This is not a database URL. Use file:slack.db or postgres://"],
      [["python", "postgres://127.0.0.1:1/none", "--to", database("x.db")], "Postgres database cannot be reached"],
      [
        ["python", database("none.db"), "--to", database("x.db")],
        "none.db does not exist. Give the URL of the database with"
      ],
      [["python", database("empty.db"), "--to", database("x.db")], "slack_installations"],
      [["python", database("text.db"), "--to", database("x.db")], "text.db is not a SQLite database"],
      [["slack-oauth", rows, "--to", database("text.db")], "text.db is not a SQLite database"],
      [["slack-oauth", rows, "--to", database("text.db"), "--dry-run"], "text.db is not a SQLite database"],
      [["slack-oauth", rows, "--to", `file:${folder}`], "is not a file"],
      [["slack-oauth", rows, "--to", database("no-folder/x.db")], "no-folder does not exist or cannot be written to."]
    ]
    for (const [args, words] of cases) {
      const { code, stderr } = await command(...args)
      assert.strictEqual(code, 1, args.join(" "))
      assert.include(stderr, words)
      assert.notInclude(stderr, "    at ")
    }
    assert.isFalse(Fs.existsSync(Path.join(folder, "none.db")))
    assert.isFalse(Fs.existsSync(Path.join(folder, "x.db")))
    assert.strictEqual(Fs.readFileSync(Path.join(folder, "text.db"), "utf8"), "this is text")
  })

  it("needs SLACK_TOKEN_KEYS, also for a dry run", async () => {
    const path = Path.join(folder, "one.json")
    Fs.writeFileSync(path, JSON.stringify(installation("T1", "U1", "one")))
    for (const more of [[], ["--dry-run"]]) {
      const args = ["import", "slack-oauth", path, "--to", database("no-keys.db"), ...more]
      const { code, stderr } = await Cli.run(file, args)
      assert.strictEqual(code, 1)
      assert.match(stderr, /^SLACK_TOKEN_KEYS: The keys are missing\. To store tokens in plain text, set it to `plain`/)
      assert.isFalse(Fs.existsSync(Path.join(folder, "no-keys.db")))
    }
  })

  it("reports what it has imported when Ctrl+C stops it, and ends with 130", async () => {
    const path = Path.join(folder, "many.jsonl")
    const many = Array.from({ length: 20_000 }, (_, n) => JSON.stringify(installation(`T${n}`, "U1", String(n))))
    Fs.writeFileSync(path, many.join("\n"))
    const into = Path.join(folder, "many.db")
    const child = spawn(process.execPath, [file, "import", "slack-oauth", path, "--to", `file:${into}`], {
      env: { PATH: process.env.PATH, SLACK_TOKEN_KEYS: testKeys }
    })
    let said = ""
    child.stdout.on("data", (data) => said += String(data))
    child.stderr.on("data", (data) => said += String(data))
    const ended = new Promise((resolve) => child.once("close", resolve))
    while (!Fs.existsSync(`${into}-wal`)) await new Promise((resolve) => setTimeout(resolve, 10))
    child.kill("SIGINT")
    assert.strictEqual(await ended, 130, said)
    assert.match(said, /^Stopped: \d+ rows, .* Run it again to import the rest\.\n$/)
  })
})
