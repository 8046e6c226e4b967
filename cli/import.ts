/**
 * `effect-slack-oauth import`: imports the installations that another SDK has stored.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as InstallationImport from "effect-slack-oauth/InstallationImport"
import type * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlImport from "effect-slack-oauth/sql/SqlImport"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { CommandFailed, exitCodesInWords, orSettingFailed } from "./CommandFailed.js"
import { databaseToRead, storeOrNew } from "./database.js"
import * as Command from "./effect/command.js"
import * as Options from "./effect/options.js"
import * as Progress from "./progress.js"

// -------------------------------------------------------------------------------------
// the import
// -------------------------------------------------------------------------------------

const to = Options.text("to").pipe(
  Options.withFallbackConfig(Config.string("DATABASE_URL")),
  Options.withDefault("file:slack.db"),
  Options.withDescription("The database to import into: file:slack.db, or postgres://… The default is DATABASE_URL.")
)

const dryRun = Options.boolean("dry-run").pipe(
  Options.withDescription("Change nothing. Report what would be imported.")
)

const appId = Options.text("app-id").pipe(
  Options.optional,
  Options.withDescription("App id (A…) for rows that do not name an app.")
)

const summary = (
  { imported, installations, kept, rows, unreadable }: InstallationImport.Report,
  dryRun: boolean
): string =>
  `${rows} rows, ${installations} installations: ${imported} credentials ${
    dryRun ? "would be imported" : "imported"
  }, ${kept} kept, ${unreadable.length} rows unreadable.`

const print = (report: InstallationImport.Report, dryRun: boolean) =>
  Effect.gen(function*() {
    yield* Console.log(summary(report, dryRun))
    for (const problem of report.unreadable) yield* Console.log(`  ${problem.message}`)
    if (report.unreadable.length > 0) {
      return yield* new CommandFailed({ message: "Some rows could not be imported. They are listed above." })
    }
  })

const importInto = <R>(
  url: string,
  dryRun: boolean,
  total: number | undefined,
  items: Stream.Stream<InstallationImport.Item, InstallationStore.InstallationStoreError | CommandFailed, R>
) =>
  Effect.gen(function*() {
    const progress = Progress.make(total)
    let sofar: InstallationImport.Report = { rows: 0, installations: 0, imported: 0, kept: 0, unreadable: [] }
    const report = yield* InstallationImport.run(items, {
      dryRun,
      onProgress: (report) => {
        sofar = report
        return progress.show(report.rows, "rows")
      }
    }).pipe(
      Effect.ensuring(progress.end),
      Effect.provide(storeOrNew(url, { dryRun })),
      Effect.onInterrupt(() => Console.log(`Stopped: ${summary(sofar, dryRun)} Run it again to import the rest.`))
    )
    yield* print(report, dryRun)
  }).pipe(
    Effect.catchTag("InstallationStoreError", (error) => new CommandFailed({ message: error.message })),
    orSettingFailed
  )

// -------------------------------------------------------------------------------------
// from @slack/oauth
// -------------------------------------------------------------------------------------

const parse = Schema.decodeUnknownEither(Schema.parseJson(Schema.Unknown))

/** A text that is not JSON becomes `undefined`, which the report lists as unreadable. */
const toRow = (row: string, text: string): InstallationImport.Row => ({
  row,
  value: Either.getOrElse(parse(text), () => undefined)
})

const cannotRead = (path: string) => () =>
  new CommandFailed({ message: `${path} cannot be read. Check the path and its permissions.` })

/** A folder of `FileInstallationStore`, a file of JSON lines, or a JSON file with one value or a list. */
const rowsAt = (path: string) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const { join } = yield* Path.Path
    const { type } = yield* fs.stat(path)

    if (type === "Directory") {
      const files = (yield* fs.readDirectory(path, { recursive: true }))
        .filter((file) => /(^|[/\\])(app|user-[^/\\]+)-latest$/.test(file))
        // The file of a workspace's latest install (app-latest) comes first.
        .sort((a, b) => a < b ? -1 : 1)
      return {
        total: files.length,
        rows: Stream.mapEffect(Stream.fromIterable(files), (file) =>
          Effect.map(fs.readFileString(join(path, file)), (text) => toRow(file, text)))
      }
    }

    const text = yield* fs.readFileString(path)
    const whole = parse(text)
    const rows = Either.isRight(whole)
      ? (Array.isArray(whole.right) ? whole.right : [whole.right]).map((value, index) => ({
        row: `value ${index + 1}`,
        value
      }))
      : text.split("\n").flatMap((line, index) =>
        line.trim() === "" ? [] : [toRow(`line ${index + 1}`, line)]
      )
    return { total: rows.length, rows: Stream.fromIterable(rows) }
  }).pipe(
    Effect.map(({ rows, total }) => ({ total, rows: Stream.mapError(rows, cannotRead(path)) })),
    Effect.mapError(cannotRead(path))
  )

const slackOAuth = Command.make(
  "slack-oauth",
  {
    path: Options.argument(
      "path",
      "A folder of FileInstallationStore, or a file of installations as JSON or JSON lines."
    ),
    to,
    appId,
    dryRun
  },
  ({ appId, dryRun, path, to }) =>
    Effect.flatMap(
      rowsAt(path),
      ({ rows, total }) =>
        importInto(to, dryRun, total, InstallationImport.fromSlackOAuth(rows, { appId: Option.getOrUndefined(appId) }))
    )
).pipe(
  Command.withDescription("Import the JSON installations of @slack/oauth (Bolt for JavaScript).")
)

// -------------------------------------------------------------------------------------
// from python-slack-sdk
// -------------------------------------------------------------------------------------

const python = Command.make(
  "python",
  {
    from: Options.argument(
      "database",
      "The database with the tables slack_installations and slack_bots: file:… or postgres://…"
    ),
    to,
    appId,
    clientId: Options.text("client-id").pipe(
      Options.optional,
      Options.withDescription("Only rows of this client id, if several apps share the tables.")
    ),
    dryRun
  },
  ({ appId, clientId, dryRun, from, to }) => {
    const options = { clientId: Option.getOrUndefined(clientId) }
    // Reading a row fails if there are no tables, before the store is created.
    const total = Effect.zipRight(Stream.runHead(SqlImport.rows(options)), SqlImport.count(options))
    return Effect.flatMap(total, (total) =>
      importInto(
        to,
        dryRun,
        total,
        InstallationImport.fromPython(SqlImport.rows(options), { appId: Option.getOrUndefined(appId) })
      )).pipe(
        Effect.catchTag("InstallationStoreError", (error) => new CommandFailed({ message: error.message })),
        Effect.provide(databaseToRead(from, "slack_installations and slack_bots"))
      )
  }
).pipe(
  Command.withDescription("Import the tables of python-slack-sdk's SQLite3 or SQLAlchemy store (Bolt for Python).")
)

export const importCommand = Command.make("import").pipe(
  Command.withDescription(
    "Import the installations of another SDK into the store. Credentials that are stored already are kept, so you can " +
      `run it again. SLACK_TOKEN_KEYS contains the keys of the store, or \`plain\` for none. ${exitCodesInWords}`
  ),
  Command.withSubcommands([slackOAuth, python])
)
