/**
 * The other processes of `InstallationStoreSuite`: a program that does what a task says to the store it is given, and
 * prints what it did.
 *
 * @since 0.1.0
 */
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "../Installation.js"
import * as InstallationStore from "../InstallationStore.js"
import { BotToken, Expiry, type IncomingWebhook, Organization, UserToken, Workspace } from "../TokenResponse.js"

// -------------------------------------------------------------------------------------
// fixtures
// -------------------------------------------------------------------------------------

/**
 * The time of installs that say no other.
 *
 * @since 0.1.0
 * @category fixtures
 */
export const t0: DateTime.Utc = DateTime.unsafeMake("2026-01-01T00:00:00Z")

const expiryOf = (name: string, expiresAt: DateTime.Utc | undefined): Option.Option<Expiry> =>
  Option.map(
    Option.fromNullable(expiresAt),
    (expiresAt) => new Expiry({ expiresAt, refreshToken: Option.some(Redacted.make(`xoxe-test-${name}`)) })
  )

/**
 * A bot token, rotating if it expires.
 *
 * @since 0.1.0
 * @category fixtures
 */
export const botToken = (name: string, expiresAt?: DateTime.Utc, scopes?: ReadonlyArray<string>): BotToken =>
  new BotToken({
    accessToken: Redacted.make(`xoxb-test-${name}`),
    scopes: scopes ?? ["chat:write", "commands"],
    botUserId: Option.some("U0BOT"),
    expiry: expiryOf(name, expiresAt)
  })

/**
 * A user token, rotating if it expires.
 *
 * @since 0.1.0
 * @category fixtures
 */
export const userToken = (name: string, expiresAt?: DateTime.Utc): UserToken =>
  new UserToken({
    accessToken: Redacted.make(`xoxp-test-${name}`),
    scopes: ["search:read"],
    userId: Option.none(),
    expiry: expiryOf(name, expiresAt)
  })

/**
 * What an install brought: in an organization, unless there is a workspace.
 *
 * @since 0.1.0
 * @category fixtures
 */
export const install = (options: {
  readonly appId: string
  readonly teamId?: string
  readonly enterpriseId?: string
  readonly name?: string
  readonly bot?: BotToken
  readonly user?: readonly [id: string, token: UserToken]
  readonly webhook?: IncomingWebhook
  readonly by?: string
  readonly at?: DateTime.Utc
}): Installation.Installation => {
  const installedAt = options.at ?? t0
  const stored = { generation: 0, issuedAt: installedAt, reauthorization: Option.none() }
  const party = (id: string) => ({ id, name: Option.fromNullable(options.name) })
  const enterprise = Option.map(Option.fromNullable(options.enterpriseId), party)
  return new Installation.Installation({
    appId: options.appId,
    target: options.teamId === undefined
      ? new Organization({ enterprise: Option.getOrThrow(enterprise) })
      : new Workspace({ team: party(options.teamId), enterprise }),
    bot: Option.map(
      Option.fromNullable(options.bot),
      (token) => new Installation.BotCredential({ ...stored, token })
    ),
    users: Option.toArray(Option.map(
      Option.fromNullable(options.user),
      ([userId, token]) =>
        new Installation.UserCredential({
          ...stored,
          userId,
          token: new UserToken({ ...token, userId: Option.some(userId) })
        })
    )),
    incomingWebhook: Option.fromNullable(options.webhook),
    installedBy: Option.fromNullable(options.by ?? options.user?.[0]),
    installedAt
  })
}

// -------------------------------------------------------------------------------------
// tasks
// -------------------------------------------------------------------------------------

/**
 * What a process is told to do.
 *
 * - `Mix`: so many saves, compare-and-sets and leases, at random, on the app's workspaces `T0`, `T1` and so on, which
 *   others work on at the same time
 * - `Write`: numbered writes without end, each announced on a line of its own once it is stored
 * - `Stream`: go through everything, and count what is the app's
 * - `Heap`: go through everything, and count the megabytes of memory that stay in use
 *
 * @since 0.1.0
 * @category tasks
 */
export const Task = Schema.Union(
  Schema.TaggedStruct("Mix", {
    appId: Schema.String,
    worker: Schema.String,
    workspaces: Schema.Int,
    operations: Schema.Int
  }),
  Schema.TaggedStruct("Write", { appId: Schema.String, worker: Schema.String }),
  Schema.TaggedStruct("Stream", { appId: Schema.String }),
  Schema.TaggedStruct("Heap", {})
)

/**
 * What a process is told to do.
 *
 * @since 0.1.0
 * @category tasks
 */
export type Task = typeof Task.Type

/**
 * What a `Mix` did. `broken` counts compare-and-sets that were superseded though they had the lease, and `leases` says
 * who had which workspace's lease from when to when, by the store's clock.
 *
 * @since 0.1.0
 * @category tasks
 */
export const MixReport = Schema.Struct({
  writes: Schema.Record({ key: Schema.String, value: Schema.Int }),
  superseded: Schema.Int,
  broken: Schema.Int,
  leases: Schema.Array(Schema.Tuple(Schema.String, Schema.Number, Schema.Number))
})

/**
 * The variable of the environment that holds the task, as JSON.
 *
 * @since 0.1.0
 * @category tasks
 */
export const variable = "INSTALLATION_STORE_TASK"

const leaseTime = "1 minute"

const mix = (store: InstallationStore.Service, task: Extract<Task, { readonly _tag: "Mix" }>) =>
  Effect.gen(function*() {
    const writes: Record<string, number> = {}
    const leases: Array<readonly [string, number, number]> = []
    let superseded = 0
    let broken = 0
    const wrote = (teamId: string) => {
      writes[teamId] = (writes[teamId] ?? 0) + 1
    }

    const renew = (key: Installation.CredentialKey, name: string) =>
      Effect.flatMap(store.credential(key), (current) =>
        store.compareAndSet(
          key,
          Option.match(current, { onNone: () => 0, onSome: ({ generation }) => generation }),
          Installation.Change.Renewed({ token: botToken(name, DateTime.add(t0, { hours: 12 })), issuedAt: t0 })
        ))

    const underLease = (key: Installation.CredentialKey, teamId: string, holder: string) =>
      Effect.gen(function*() {
        const request = { holder, intent: `mixing in ${teamId}`, duration: leaseTime } as const
        const taken = yield* store.acquireLease(key, request)
        if (taken._tag !== "Acquired") return
        const swap = yield* renew(key, holder)
        if (swap._tag === "Swapped") wrote(teamId)
        else broken++
        // Renewed only to learn the time by the store's clock.
        const end = yield* store.acquireLease(key, request)
        if (end._tag === "Acquired") {
          leases.push([teamId, DateTime.toEpochMillis(taken.lease.since), DateTime.toEpochMillis(end.lease.since)])
        } else broken++
        if (!(yield* store.releaseLease(key, holder))) broken++
      })

    yield* Effect.forEach(
      Array.from({ length: task.operations }, (_, n) => n),
      (n) =>
        Effect.gen(function*() {
          const index = yield* Random.nextIntBetween(0, task.workspaces)
          const teamId = `T${index}`
          const name = `${task.worker}-${n}`
          const key = Installation.botKey(Installation.workspace(task.appId, teamId))
          if (index % 2 === 1) return yield* underLease(key, teamId, name)
          if ((yield* Random.nextIntBetween(0, 3)) === 0) {
            yield* store.save(install({ appId: task.appId, teamId, bot: botToken(name) }))
            wrote(teamId)
          } else {
            const swap = yield* renew(key, name)
            if (swap._tag === "Swapped") wrote(teamId)
            else superseded++
          }
        }),
      { concurrency: 8 }
    )
    return { writes, superseded, broken, leases }
  })

/**
 * The rows that a `Write` works on: its `save` row is saved again and again, its `swap` row changed by compare-and-set.
 *
 * @since 0.1.0
 * @category tasks
 */
export const writtenBy = (appId: string, worker: string) => ({
  save: Installation.workspace(appId, `${worker}-save`),
  swap: Installation.workspace(appId, `${worker}-swap`)
})

/**
 * The numbered install of a `Write`: everything in it has the number.
 *
 * @since 0.1.0
 * @category tasks
 */
export const numbered = (key: Installation.WorkspaceKey, n: number): Installation.Installation =>
  install({
    appId: key.appId,
    teamId: key.teamId,
    name: `${n}`,
    bot: botToken(`${n}`, DateTime.add(t0, { seconds: n }), [`${n}`]),
    user: ["U1", userToken(`${n}`)],
    at: DateTime.add(t0, { seconds: n })
  })

const write = (store: InstallationStore.Service, { appId, worker }: Extract<Task, { readonly _tag: "Write" }>) =>
  Effect.gen(function*() {
    const rows = writtenBy(appId, worker)
    const bot = Installation.botKey(rows.swap)
    let { generation } = Option.getOrThrow((yield* store.save(numbered(rows.swap, 0))).bot)
    for (let n = 1;; n++) {
      yield* store.save(numbered(rows.save, n))
      yield* Console.log(`save ${n}`)
      const { bot: token, installedAt } = numbered(rows.swap, n)
      const swap = yield* store.compareAndSet(
        bot,
        generation,
        Installation.Change.Renewed({ token: Option.getOrThrow(token).token, issuedAt: installedAt })
      )
      if (swap._tag !== "Swapped") return yield* Effect.dieMessage("Somebody else writes here")
      generation = swap.credential.generation
      yield* Console.log(`swap ${n}`)
    }
  })

/** The megabytes of memory in use, on Node and what is like it. */
const heapMegabytes = Effect.sync(() => {
  const { gc, ["process"]: host } = globalThis as unknown as {
    readonly gc?: () => void
    readonly process: { readonly memoryUsage: () => { readonly heapUsed: number } }
  }
  gc?.()
  return Math.ceil(host.memoryUsage().heapUsed / 1_000_000)
})

/**
 * Does what the task in the environment says. A user's own store is tested from several processes by a script that
 * provides it to this:
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { InstallationStore } from "effect-slack-oauth"
 * import * as InstallationStoreWorker from "effect-slack-oauth/testing/InstallationStoreWorker"
 *
 * export const program = InstallationStoreWorker.main.pipe(Effect.provide(InstallationStore.layerMemory))
 * ```
 *
 * @since 0.1.0
 * @category main
 */
export const main = Effect.gen(function*() {
  const store = yield* InstallationStore.InstallationStore
  const task = yield* Schema.Config(variable, Schema.parseJson(Task))
  switch (task._tag) {
    case "Mix": {
      const report = yield* mix(store, task)
      yield* Console.log(JSON.stringify(report))
      break
    }
    case "Write": {
      yield* write(store, task)
      break
    }
    case "Stream": {
      const count = yield* Stream.runCount(Stream.filter(store.stream, ({ appId }) => appId === task.appId))
      yield* Console.log(String(count))
      break
    }
    case "Heap": {
      yield* Stream.runDrain(store.stream)
      yield* Console.log(String(yield* heapMegabytes))
    }
  }
})
