/**
 * Imports installations that another SDK has stored into a store of this package.
 *
 * An import replaces nothing: a token that is stored already, or was refreshed here, stays. So you can repeat an import,
 * and run it while the app is in use. A row that cannot be read is listed in the report, and does not stop the others.
 *
 * - {@link fromSlackOAuth}: the `Installation` JSON of `@slack/oauth` (Bolt for JavaScript), v1 and v2
 * - {@link fromPython}: the rows of python-slack-sdk's SQLite3 and SQLAlchemy stores (Bolt for Python);
 *   `effect-slack-oauth/sql/SqlImport` reads them from a database
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import { bounded, InstallationStore, type InstallationStoreError, type Service } from "./InstallationStore.js"
import type { Problem } from "./internal/import/installation.js"
import * as Python from "./internal/import/python.js"
import * as SlackOAuth from "./internal/import/slackOAuth.js"
import { credentialKeyOf } from "./internal/installationKey.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * A row that cannot be imported, and why. It does not contain the row's values.
 *
 * @since 0.1.0
 * @category models
 */
export class InstallationUnreadable extends Schema.TaggedError<InstallationUnreadable>()("InstallationUnreadable", {
  /** The name of the row: a line of a file, or a table and an id. */
  row: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.row}: ${this.problem}`
  }
}

/**
 * A row of another SDK, with its name for the report.
 *
 * @since 0.1.0
 * @category models
 */
export interface Row {
  readonly row: string
  readonly value: unknown
}

/**
 * The result of reading one or more rows: an installation, or a row that cannot be read.
 *
 * @since 0.1.0
 * @category models
 */
export interface Item {
  /** The number of rows. */
  readonly rows: number
  readonly installation: Either.Either<Installation.Installation, InstallationUnreadable>
}

/**
 * Information that other SDKs do not store.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  /** The app id for rows without one, such as those of Slack's first OAuth (v1). */
  readonly appId?: string | undefined
}

/**
 * The result of an import. `imported` and `kept` count credentials: those that are new in this store, and those that
 * were there already, or whose installation was removed here after they were issued.
 *
 * @since 0.1.0
 * @category models
 */
export interface Report {
  readonly rows: number
  readonly installations: number
  readonly imported: number
  readonly kept: number
  readonly unreadable: ReadonlyArray<InstallationUnreadable>
}

// -------------------------------------------------------------------------------------
// reading
// -------------------------------------------------------------------------------------

const readWith = (read: typeof SlackOAuth.read, { appId }: Options) => ({ row, value }: Row): Item["installation"] =>
  Either.mapLeft(read(value, appId), (problem: Problem) => new InstallationUnreadable({ row, problem }))

/**
 * Reads `Installation` values of `@slack/oauth` from JSON: v1 and v2, workspaces and organizations. They do not contain
 * the time of the install. It is derived from the expiry of the tokens; without an expiry it is 1970.
 *
 * If a workspace has several values, as in a store that keeps its history, put the newest first.
 *
 * @since 0.1.0
 * @category reading
 */
export const fromSlackOAuth = <E, R>(
  rows: Stream.Stream<Row, E, R>,
  options: Options = {}
): Stream.Stream<Item, E, R> =>
  Stream.map(rows, (row) => ({ rows: 1, installation: readWith(SlackOAuth.read, options)(row) }))

/**
 * Reads rows of python-slack-sdk's tables `slack_installations` and `slack_bots`, as objects by column name. The SDK
 * writes a row for each install and each refresh. This takes the newest bot token of each workspace, and each person's
 * newest token. The rows of a workspace have to be adjacent.
 *
 * @since 0.1.0
 * @category reading
 */
export const fromPython = <E, R>(
  rows: Stream.Stream<Row, E, R>,
  options: Options = {}
): Stream.Stream<Item, E, R> => {
  // A row that cannot be read does not separate the rows around it.
  const keyed = Stream.suspend(() => {
    let key: Installation.InstallationKey | undefined
    return Stream.map(rows, (row) => {
      const result = readWith(Python.read, options)(row)
      if (Either.isRight(result)) key = result.right.key
      return [key, result] as const
    })
  })
  return Stream.mapConcat(Stream.groupAdjacentBy(keyed, ([key]) => key), ([, group]): ReadonlyArray<Item> => {
    const results = Array.from(group, ([, result]) => result)
    const readable = Arr.getRights(results)
    const [first, ...others] = readable
    return [
      ...Arr.getLefts(results).map((problem) => ({ rows: 1, installation: Either.left(problem) })),
      ...(first === undefined
        ? []
        : [{ rows: readable.length, installation: Either.right(others.reduce(Python.merge, first)) }])
    ]
  })
}

// -------------------------------------------------------------------------------------
// storing
// -------------------------------------------------------------------------------------

const keysOf = ({ credentials, key }: Installation.Installation): ReadonlyArray<string> =>
  credentials.map((credential) => String(credentialKeyOf(key, Installation.subjectOf(credential))))

const storedKeys = (store: Service, key: Installation.InstallationKey) =>
  Effect.map(store.get(key), (stored) => new Set(Option.toArray(stored).flatMap(keysOf)))

/** Stores an installation, and returns the keys of the credentials that are new. */
const save = (store: Service, installation: Installation.Installation) =>
  Effect.gen(function*() {
    const before = yield* storedKeys(store, installation.key)
    const saved = yield* store.save(installation, { existing: "keep" })
    return keysOf(saved).filter((key) => !before.has(key))
  })

/** What {@link save} would return. `pretended` has the keys of earlier installations of the dry run. */
const pretend = (store: Service, pretended: Set<string>) => (installation: Installation.Installation) =>
  Effect.map(storedKeys(store, installation.key), (before) => {
    const added = keysOf(installation).filter((key) => !before.has(key) && !pretended.has(key))
    for (const key of added) pretended.add(key)
    return added
  })

/**
 * Stores the installations, and reports. With `dryRun` it stores nothing, and reports what it would store.
 *
 * @example
 * ```ts
 * import { Effect, Stream } from "effect"
 * import { InstallationImport, InstallationStore } from "effect-slack-oauth"
 *
 * const rows = Stream.make({
 *   row: "T0EXAMPLE",
 *   value: {
 *     team: { id: "T0EXAMPLE", name: "Example" },
 *     user: { id: "U0EXAMPLE" },
 *     bot: { token: "xoxb-test-token", scopes: ["chat:write"], id: "B0EXAMPLE", userId: "U0BOT" },
 *     appId: "A0EXAMPLE",
 *     authVersion: "v2"
 *   }
 * })
 *
 * const program = InstallationImport.run(InstallationImport.fromSlackOAuth(rows))
 *
 * Effect.runPromise(Effect.provide(program, InstallationStore.layerMemory)).then(console.log)
 * // { rows: 1, installations: 1, imported: 1, kept: 0, unreadable: [] }
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const run = <E, R>(
  items: Stream.Stream<Item, E, R>,
  options: {
    readonly dryRun?: boolean | undefined
    /** Called after each item with the report so far. All reports of a run share one list of unreadable rows. */
    readonly onProgress?: ((report: Report) => Effect.Effect<void>) | undefined
  } = {}
): Effect.Effect<Report, E | InstallationStoreError, R | InstallationStore> =>
  Effect.gen(function*() {
    const store = bounded(yield* InstallationStore)
    const add = options.dryRun === true
      ? pretend(store, new Set())
      : (installation: Installation.Installation) => save(store, installation)
    // The reports share the list, because a copy for each row would take quadratic time.
    const unreadable: Array<InstallationUnreadable> = []
    const empty: Report = { rows: 0, installations: 0, imported: 0, kept: 0, unreadable }

    const count = (report: Report, { installation, rows }: Item): Effect.Effect<Report, InstallationStoreError> => {
      if (Either.isLeft(installation)) {
        unreadable.push(installation.left)
        return Effect.succeed({ ...report, rows: report.rows + rows })
      }
      return Effect.map(add(installation.right), (added) => ({
        rows: report.rows + rows,
        installations: report.installations + 1,
        imported: report.imported + added.length,
        kept: report.kept + installation.right.credentials.length - added.length,
        unreadable
      }))
    }

    const { onProgress = () => Effect.void } = options
    return yield* Stream.runFoldEffect(items, empty, (report, item) => Effect.tap(count(report, item), onProgress))
  })
