/**
 * Installations that another SDK has stored, brought into any store of this package.
 *
 * Nothing that is stored here already is replaced, so an import can be repeated, and run while the app is in use: a
 * token that was refreshed here stays. What cannot be read is listed in the report with its row, never dropped.
 *
 * - {@link fromSlackOAuth}: the `Installation` JSON of `@slack/oauth` (Bolt for JavaScript), v1 and v2
 * - {@link fromPython}: the rows of python-slack-sdk's SQLite3 and SQLAlchemy stores (Bolt for Python);
 *   `effect-slack-oauth/sql/SqlImport` reads them from a database
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Chunk from "effect/Chunk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "./Installation.js"
import { bounded, InstallationStore, type InstallationStoreError } from "./InstallationStore.js"
import { commaList } from "./internal/commaList.js"
import { between, decoder, maybe } from "./internal/effect/schemas.js"
import { isStorable } from "./internal/rowId.js"
import { BotToken, Expiry, IncomingWebhook, Organization, type Party, UserToken, Workspace } from "./TokenResponse.js"

// -------------------------------------------------------------------------------------
// models
// -------------------------------------------------------------------------------------

/**
 * A row that cannot be imported: which one, and what is wrong with it, without what stands there.
 *
 * @since 0.1.0
 * @category models
 */
export class InstallationUnreadable extends Schema.TaggedError<InstallationUnreadable>()("InstallationUnreadable", {
  /** Where it is: a line of a file, or a table and an id. */
  row: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.row}: ${this.problem}`
  }
}

/**
 * One row of another SDK: what it is called in the report, and what it says.
 *
 * @since 0.1.0
 * @category models
 */
export interface Row {
  readonly row: string
  readonly value: unknown
}

/**
 * What rows came to: one installation, or a row that cannot be read.
 *
 * @since 0.1.0
 * @category models
 */
export interface Item {
  /** How many rows it is made of. */
  readonly rows: number
  readonly installation: Either.Either<Installation.Installation, InstallationUnreadable>
}

/**
 * What other SDKs do not write down.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  /** The app of rows that name none, as those of Slack's first OAuth (v1) do. */
  readonly appId?: string | undefined
}

/**
 * How an import went. `imported` and `kept` count credentials: those that are new here, and those that were here
 * already (or whose installation was removed here, after it was made).
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
// what both formats come down to
// -------------------------------------------------------------------------------------

interface PlainToken {
  readonly token: string
  readonly scopes: ReadonlyArray<string>
  readonly refreshToken: Option.Option<string>
  readonly expiresAt: Option.Option<DateTime.Utc>
}

interface Pieces {
  readonly appId: Option.Option<string>
  readonly team: Option.Option<Party>
  readonly enterprise: Option.Option<Party>
  readonly isEnterpriseInstall: boolean
  readonly installedAt: Option.Option<DateTime.Utc>
  readonly userId: Option.Option<string>
  readonly bot: Option.Option<PlainToken & { readonly botUserId: Option.Option<string> }>
  readonly user: Option.Option<PlainToken>
  readonly incomingWebhook: Option.Option<IncomingWebhook>
}

/** Slack's access tokens live so long; a token that says only when it ends began so long before. */
const lifetime = { hours: 12 }

const longAgo = DateTime.unsafeMake(0)

const latest = (times: ReadonlyArray<DateTime.Utc>): DateTime.Utc => times.reduce((a, b) => DateTime.max(a, b), longAgo)

/** Ids and scopes, which are stored as they are. */
const textsOf = ({ bot, enterprise, team, user, userId }: Pieces): ReadonlyArray<string> => [
  ...[team, enterprise].flatMap(Option.toArray).map(({ id }) => id),
  ...Option.toArray(userId),
  ...Option.toArray(Option.flatMap(bot, ({ botUserId }) => botUserId)),
  ...[bot, user].flatMap((token) => Option.toArray(token)).flatMap(({ scopes }) => scopes)
]

const toInstallation = (
  pieces: Pieces,
  row: string,
  options: Options
): Either.Either<Installation.Installation, InstallationUnreadable> =>
  Either.gen(function*() {
    const refuse = (problem: string) => Either.left(new InstallationUnreadable({ row, problem }))
    const need = <A>(value: Option.Option<A>, problem: string) =>
      Either.fromOption(value, () => new InstallationUnreadable({ row, problem }))

    const appId = yield* need(
      Option.orElse(pieces.appId, () => Option.fromNullable(options.appId)),
      "it names no app; say which one it is"
    )
    const target = pieces.isEnterpriseInstall
      ? new Organization({ enterprise: yield* need(pieces.enterprise, "it names no organization") })
      : new Workspace({ team: yield* need(pieces.team, "it names no workspace"), enterprise: pieces.enterprise })

    // A credential is known by its person, and the app's own by the word `bot`.
    if (Option.contains(pieces.userId, "bot")) return yield* refuse("the user id \"bot\" is reserved")
    const texts = [appId, ...textsOf(pieces)]
    if (!texts.every(isStorable)) return yield* refuse("an id or a scope in it has control characters")

    const stored = (token: PlainToken) => ({
      generation: 0,
      issuedAt: Option.match(token.expiresAt, {
        onNone: () => Option.getOrElse(pieces.installedAt, () => longAgo),
        onSome: (expiresAt) => DateTime.subtract(expiresAt, lifetime)
      }),
      reauthorization: Option.none()
    })
    const plain = (token: PlainToken, whose: string) =>
      Either.gen(function*() {
        if (Option.isNone(token.expiresAt) && Option.isSome(token.refreshToken)) {
          return yield* refuse(`the ${whose} token has a refresh token and no expiry`)
        }
        return {
          accessToken: Redacted.make(token.token),
          scopes: token.scopes,
          expiry: Option.map(
            token.expiresAt,
            (expiresAt) => new Expiry({ expiresAt, refreshToken: Option.map(token.refreshToken, Redacted.make) })
          )
        }
      })

    const credentials: Array<Installation.Credential> = []
    if (Option.isSome(pieces.bot)) {
      const { botUserId } = pieces.bot.value
      const token = new BotToken({ ...(yield* plain(pieces.bot.value, "bot")), botUserId })
      credentials.push(new Installation.BotCredential({ ...stored(pieces.bot.value), token }))
    }
    if (Option.isSome(pieces.user)) {
      const userId = yield* need(pieces.userId, "the user token is nobody's")
      const token = new UserToken({ ...(yield* plain(pieces.user.value, "user")), userId: Option.some(userId) })
      credentials.push(new Installation.UserCredential({ ...stored(pieces.user.value), userId, token }))
    }
    if (credentials.length === 0) return yield* refuse("it has no token")

    return Installation.withCredentials(
      new Installation.Installation({
        appId,
        target,
        bot: Option.none(),
        users: [],
        incomingWebhook: pieces.incomingWebhook,
        installedBy: pieces.userId,
        installedAt: Option.getOrElse(pieces.installedAt, () => latest(credentials.map(({ issuedAt }) => issuedAt)))
      }),
      credentials
    )
  })

const present = (value: string | null | undefined): Option.Option<string> =>
  Option.filter(Option.fromNullable(value), (text) => text !== "")

const toParty = (id: Option.Option<string>, name: string | null | undefined): Option.Option<Party> =>
  Option.map(id, (id) => ({ id, name: present(name) }))

/** A parse error prints the values that failed; the paths say enough. */
const reader = <A, I>(schema: Schema.Schema<A, I>, f: (value: A) => Pieces) => {
  const decode = decoder(schema)
  return ({ row, value }: Row): Either.Either<Pieces, InstallationUnreadable> =>
    Either.mapBoth(decode(value), {
      onLeft: (paths) =>
        new InstallationUnreadable({
          row,
          problem: paths.length === 0 ? "it is no object" : `look at ${paths.join(", ")}`
        }),
      onRight: f
    })
}

// -------------------------------------------------------------------------------------
// @slack/oauth
// -------------------------------------------------------------------------------------

const Scopes = maybe(Schema.Array(Schema.String))

const NodeParty = maybe(Schema.Struct({ id: Schema.String, name: maybe(Schema.String) }))

/** Seconds since 1970, with room for what a `Date` can hold. */
const Seconds = Schema.Number.pipe(Schema.between(0, 8_640_000_000_000))

const nodeToken = {
  token: maybe(Schema.String),
  refreshToken: maybe(Schema.String),
  expiresAt: maybe(Seconds),
  scopes: Scopes
}

const NodeInstallation = Schema.Struct({
  team: NodeParty,
  enterprise: NodeParty,
  user: maybe(Schema.Struct({ id: maybe(Schema.String), ...nodeToken })),
  bot: maybe(Schema.Struct({ userId: maybe(Schema.String), ...nodeToken })),
  incomingWebhook: maybe(Schema.Struct({
    url: Schema.String,
    channel: maybe(Schema.String),
    channelId: maybe(Schema.String),
    configurationUrl: maybe(Schema.String)
  })),
  appId: maybe(Schema.String),
  isEnterpriseInstall: maybe(Schema.Boolean)
})

const fromSeconds = (seconds: number | null | undefined): Option.Option<DateTime.Utc> =>
  Option.map(Option.fromNullable(seconds), (seconds) => DateTime.unsafeMake(seconds * 1000))

const fromNodeToken = (
  wire: NonNullable<(typeof NodeInstallation.Type)["user"]> | NonNullable<(typeof NodeInstallation.Type)["bot"]>
): Option.Option<PlainToken> =>
  Option.map(present(wire.token), (token) => ({
    token,
    scopes: wire.scopes ?? [],
    refreshToken: present(wire.refreshToken),
    expiresAt: fromSeconds(wire.expiresAt)
  }))

const readNode = reader(NodeInstallation, (value): Pieces => ({
  appId: present(value.appId),
  team: toParty(present(value.team?.id), value.team?.name),
  enterprise: toParty(present(value.enterprise?.id), value.enterprise?.name),
  isEnterpriseInstall: value.isEnterpriseInstall === true,
  installedAt: Option.none(),
  userId: present(value.user?.id),
  bot: Option.flatMap(
    Option.fromNullable(value.bot),
    (bot) => Option.map(fromNodeToken(bot), (token) => ({ ...token, botUserId: present(bot.userId) }))
  ),
  user: Option.flatMap(Option.fromNullable(value.user), fromNodeToken),
  incomingWebhook: Option.map(Option.fromNullable(value.incomingWebhook), (webhook) =>
    new IncomingWebhook({
      url: Redacted.make(webhook.url),
      channel: webhook.channel ?? "",
      channelId: present(webhook.channelId),
      configurationUrl: webhook.configurationUrl ?? ""
    }))
}))

/**
 * Reads values of `@slack/oauth`'s `Installation`, as its stores keep them in JSON: v1 and v2, workspaces and
 * organizations. Such a value does not say when the app was installed, so that is taken from the expiry of its tokens,
 * or else is long ago.
 *
 * If there are several of one workspace, as a store that keeps its history has them, put the newest first.
 *
 * @since 0.1.0
 * @category reading
 */
export const fromSlackOAuth = <E, R>(
  rows: Stream.Stream<Row, E, R>,
  options: Options = {}
): Stream.Stream<Item, E, R> =>
  Stream.map(rows, (row) => ({
    rows: 1,
    installation: Either.flatMap(readNode(row), (pieces) => toInstallation(pieces, row.row, options))
  }))

// -------------------------------------------------------------------------------------
// python-slack-sdk
// -------------------------------------------------------------------------------------

/** SQLite has them as seconds, or as text; SQLAlchemy writes text and, in Postgres, timestamps; all without a zone. */
const PythonTime = between(
  Schema.Union(Schema.Number, Schema.String, Schema.DateFromSelf),
  Schema.DateTimeUtcFromSelf,
  {
    decode: (value) => {
      const text = typeof value === "string" ? value.trim() : value
      const time = typeof text === "number" || typeof text === "string" && /^\d+(\.\d+)?$/.test(text)
        ? Number(text) * 1000
        : typeof text === "string"
        ? `${text.replace(" ", "T").replace(/(\.\d{3})\d+/, "$1")}${/(Z|[+-]\d{2}:?\d{2})$/.test(text) ? "" : "Z"}`
        : text
      return Either.fromOption(Option.map(DateTime.make(time), DateTime.toUtc), () => ({ path: [] }))
    },
    encode: DateTime.formatIso
  }
)

const PythonRow = Schema.Struct({
  app_id: maybe(Schema.String),
  enterprise_id: maybe(Schema.String),
  enterprise_name: maybe(Schema.String),
  team_id: maybe(Schema.String),
  team_name: maybe(Schema.String),
  bot_token: maybe(Schema.String),
  bot_user_id: maybe(Schema.String),
  bot_scopes: maybe(Schema.String),
  bot_refresh_token: maybe(Schema.String),
  bot_token_expires_at: maybe(PythonTime),
  user_id: maybe(Schema.String),
  user_token: maybe(Schema.String),
  user_scopes: maybe(Schema.String),
  user_refresh_token: maybe(Schema.String),
  user_token_expires_at: maybe(PythonTime),
  incoming_webhook_url: maybe(Schema.String),
  incoming_webhook_channel: maybe(Schema.String),
  incoming_webhook_channel_id: maybe(Schema.String),
  incoming_webhook_configuration_url: maybe(Schema.String),
  is_enterprise_install: maybe(Schema.Union(Schema.Boolean, Schema.Number, Schema.String)),
  installed_at: maybe(PythonTime)
})

const readPython = reader(PythonRow, (value): Pieces => ({
  appId: present(value.app_id),
  team: toParty(present(value.team_id), value.team_name),
  enterprise: toParty(present(value.enterprise_id), value.enterprise_name),
  isEnterpriseInstall: [true, 1, "1", "t", "true"].includes(value.is_enterprise_install ?? false),
  installedAt: Option.fromNullable(value.installed_at),
  userId: present(value.user_id),
  bot: Option.map(present(value.bot_token), (token) => ({
    token,
    scopes: commaList(value.bot_scopes ?? ""),
    refreshToken: present(value.bot_refresh_token),
    expiresAt: Option.fromNullable(value.bot_token_expires_at),
    botUserId: present(value.bot_user_id)
  })),
  user: Option.map(present(value.user_token), (token) => ({
    token,
    scopes: commaList(value.user_scopes ?? ""),
    refreshToken: present(value.user_refresh_token),
    expiresAt: Option.fromNullable(value.user_token_expires_at)
  })),
  incomingWebhook: Option.map(present(value.incoming_webhook_url), (url) =>
    new IncomingWebhook({
      url: Redacted.make(url),
      channel: value.incoming_webhook_channel ?? "",
      channelId: present(value.incoming_webhook_channel_id),
      configurationUrl: value.incoming_webhook_configuration_url ?? ""
    }))
}))

/** Of several tokens of one subject, the one that was issued last; the one that comes later, if there is no telling. */
const newer = <C extends Installation.Credential>(a: C, b: C): C => DateTime.lessThan(b.issuedAt, a.issuedAt) ? a : b

const mergePython = (
  a: Installation.Installation,
  b: Installation.Installation
): Installation.Installation => {
  const [old, young] = DateTime.lessThan(b.installedAt, a.installedAt) ? [b, a] : [a, b]
  const credentials = new Map<string, Installation.Credential>()
  for (const credential of [...old.credentials, ...young.credentials]) {
    const subject = Installation.subjectOf(credential)
    const known = credentials.get(subject)
    credentials.set(subject, known === undefined ? credential : newer(known, credential))
  }
  return Installation.withCredentials(
    new Installation.Installation({
      ...young,
      incomingWebhook: Option.orElse(young.incomingWebhook, () => old.incomingWebhook),
      installedBy: Option.orElse(young.installedBy, () => old.installedBy)
    }),
    Array.from(credentials.values())
  )
}

/**
 * Reads rows of python-slack-sdk's tables `slack_installations` and `slack_bots`, as objects by column name. It writes a
 * row for each install and each refresh, so of each workspace the newest bot token and the newest token of each person
 * are taken. The rows of one workspace have to come one after the other.
 *
 * @since 0.1.0
 * @category reading
 */
export const fromPython = <E, R>(
  rows: Stream.Stream<Row, E, R>,
  options: Options = {}
): Stream.Stream<Item, E, R> => {
  const read = Stream.map(
    rows,
    (row) => Either.flatMap(readPython(row), (pieces) => toInstallation(pieces, row.row, options))
  )
  return read.pipe(
    // A row that cannot be read does not part the rows around it.
    Stream.mapAccum(undefined as Installation.InstallationKey | undefined, (before, result) => {
      const key = Either.isRight(result) ? result.right.key : before
      return [key, [key, result] as const]
    }),
    Stream.groupAdjacentBy(([key]) => key),
    Stream.mapConcat(([, group]): ReadonlyArray<Item> => {
      const [unreadable, readable] = Arr.separate(Chunk.map(group, ([, result]) => result))
      const [first, ...others] = readable
      return [
        ...unreadable.map((problem) => ({ rows: 1, installation: Either.left(problem) })),
        ...(first === undefined
          ? []
          : [{ rows: readable.length, installation: Either.right(others.reduce(mergePython, first)) }])
      ]
    })
  )
}

// -------------------------------------------------------------------------------------
// storing
// -------------------------------------------------------------------------------------

/**
 * Stores what was read, and reports. With `dryRun` nothing is written, and the report says what would be.
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
  options?: {
    readonly dryRun?: boolean | undefined
    /** Called after each item, with the report so far. All reports of a run share their list of unreadable rows. */
    readonly onProgress?: ((report: Report) => Effect.Effect<void>) | undefined
  }
): Effect.Effect<Report, E | InstallationStoreError, R | InstallationStore> =>
  Effect.flatMap(Effect.map(InstallationStore, (store) => bounded(store)), (store) => {
    /** What a dry run would have stored by now. */
    const pretended = new Set<string>()
    /** One list for all reports: to copy it for each row would take the square of the time. */
    const unreadable: Array<InstallationUnreadable> = []
    return Stream.runFoldEffect(
      items,
      { rows: 0, installations: 0, imported: 0, kept: 0, unreadable } as Report,
      (report, { installation: result, rows }) =>
        Effect.gen(function*() {
          let next: Report = { ...report, rows: report.rows + rows }
          if (Either.isLeft(result)) {
            unreadable.push(result.left)
          } else {
            const installation = result.right
            const keyOf = (credential: Installation.Credential): string => {
              const subject = Installation.subjectOf(credential)
              return String(new Installation.CredentialKey({ installation: installation.key, subject }))
            }
            const before = new Set(
              Option.match(yield* store.get(installation.key), {
                onNone: () => [],
                onSome: ({ credentials }) => credentials.map(keyOf)
              })
            )
            const { credentials } = options?.dryRun === true
              ? installation
              : yield* store.save(installation, { existing: "keep" })
            const imported = credentials.map(keyOf).filter((key) => !before.has(key) && !pretended.has(key))
            if (options?.dryRun === true) { for (const key of imported) pretended.add(key) }
            next = {
              ...next,
              installations: report.installations + 1,
              imported: report.imported + imported.length,
              kept: report.kept + installation.credentials.length - imported.length
            }
          }
          if (options?.onProgress !== undefined) yield* options.onProgress(next)
          return next
        })
    )
  })
