/** The stores that `InstallationStoreSuite` tests here, and the processes that it starts. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Command from "@effect/platform/Command"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as SqlClient from "@effect/sql/SqlClient"
import type * as Installation from "effect-slack-oauth/Installation"
import * as KeyValueInstallationStore from "effect-slack-oauth/KeyValueInstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import type { Processes } from "effect-slack-oauth/testing/InstallationStoreSuite"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { inPages } from "../../src/internal/effect/streams.js"
import { credentialRowId, installationRowId } from "../../src/internal/rowId.js"
import { bundled, root } from "./bundle.js"
import { connect } from "./databases.js"

/** `SLACK_TOKEN_KEYS` for the tests. */
export const testKeys = `test:${Buffer.alloc(32, 7).toString("base64")}`

export const cipher = TokenCipher.layer({
  current: { id: "test", key: Redacted.make(testKeys.slice("test:".length)) }
})

export const files = (folder: string) =>
  KeyValueInstallationStore.layer.pipe(
    Layer.provide(KeyValueStore.layerFileSystem(folder)),
    Layer.provide(NodeContext.layer),
    Layer.provide(cipher)
  )

/** All bytes in a folder, such as that of a libsql file with its log. */
export const bytesIn = (folder: string) =>
  Stream.suspend(() =>
    Stream.map(
      Stream.fromIterable(Fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((it) => it.isFile())),
      ({ name, parentPath }): Uint8Array => Fs.readFileSync(Path.join(parentPath, name))
    )
  )

interface StoredRow {
  readonly installation: string
  readonly subject: string
  readonly text: string
}

const rowsPerPage = 1000

/** All rows of the store's table in a Postgres, as text; in pages, since the cursor of the oldest driver does not work. */
export const rowsIn = (url: string) =>
  Stream.unwrap(
    Effect.map(SqlClient.SqlClient, (sql) =>
      inPages({ installation: "", subject: "" }, (after) =>
        Effect.map(
          sql<StoredRow>`SELECT installation, subject, CAST(stored AS TEXT) AS text
          FROM slack_oauth_installations AS stored
          WHERE (installation, subject) > (${after.installation}, ${after.subject})
          ORDER BY installation, subject LIMIT ${rowsPerPage}`,
          (rows) =>
            [
              rows.map(({ text }) => text),
              Option.filter(Option.fromNullable(rows.at(-1)), () => rows.length === rowsPerPage)
            ] as const
        )))
  ).pipe(Stream.provideLayer(connect(url, { maxConnections: 1 })))

export const sql = (url: string) =>
  SqlInstallationStore.layer.pipe(Layer.provide(connect(url, { maxConnections: 10 })), Layer.provide(cipher))

const encodeTarget = Schema.encodeSync(Schema.Union(TokenResponse.Workspace, TokenResponse.Organization))

type Rows = readonly [Record<string, any>, ...Array<Record<string, any>>]

/** Rows as `save` writes them, some hundred in a statement: each installation has a bot and nobody else. */
const fill = (url: string) => (installations: Stream.Stream<Installation.Installation>) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const { seal } = yield* TokenCipher.TokenCipher
    const rowsOf = ({ bot, installedAt, key, target }: Installation.Installation) =>
      Effect.gen(function*() {
        const { expiry, scopes, accessToken } = Option.getOrThrow(bot).token
        const { expiresAt, refreshToken } = Option.getOrThrow(expiry)
        const installation = installationRowId(key)
        const tokens = {
          accessToken: Redacted.value(accessToken),
          refreshToken: Redacted.value(Option.getOrThrow(refreshToken))
        }
        const row = { installation, generation: 1, issued_at: installedAt.epochMillis }
        return [
          {
            ...row,
            subject: "",
            details: JSON.stringify({ target: encodeTarget(target), installedBy: null }),
            scopes: null,
            secret: null,
            expires_at: null
          },
          {
            ...row,
            subject: "bot",
            details: null,
            scopes: scopes.join(","),
            secret: yield* seal(JSON.stringify(tokens), credentialRowId(key, "bot")),
            expires_at: expiresAt.epochMillis
          }
        ]
      })
    yield* installations.pipe(
      Stream.grouped(200),
      Stream.mapEffect((some) => Effect.forEach(some, rowsOf)),
      Stream.runForEach((rows) =>
        sql`INSERT INTO slack_oauth_installations ${sql.insert(rows.flat() as unknown as Rows)}`
      )
    )
  }).pipe(Effect.provide(connect(url)), Effect.provide(cipher))

/** Other processes on the same database. */
export const processes = (url: string) =>
  Effect.map(
    bundled("test/utils/workers/storeWorker.ts"),
    (worker): Pick<Processes, "command" | "executor" | "fill"> => ({
      command: Command.make(process.execPath, worker).pipe(
        Command.workingDirectory(root),
        Command.env({ STORE_URL: url, SLACK_TOKEN_KEYS: testKeys })
      ),
      executor: NodeContext.layer,
      fill: fill(url)
    })
  )

/** What the suite does with other processes in `npm run stress`. */
export const longRounds = {
  count: 8,
  operations: 10_000,
  kills: 100,
  installations: 100_000
}
