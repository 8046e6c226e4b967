/** Reading a token that is fresh: from `TokenManager`, over each store, against `authorize` of `@slack/oauth`. */
import * as SqlClient from "@effect/sql/SqlClient"
import type * as SlackOAuth from "@slack/oauth"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { strict as assert } from "node:assert"
import { connect, libsqlUrl, schemaUrl } from "../test/utils/databases.js"
import * as Postgres from "../test/utils/postgres.js"
import { type Candidate, compare, rowOf, spread, wallRatio } from "./support/compare.js"
import * as Fleet from "./support/fleet.js"
import { makeProvider } from "./support/peer.js"
import { atLeast, atMost, number, type Report, withSpread } from "./support/report.js"
import { sqlStore } from "./support/stores.js"

const size = 1000

const verify = (tokens: ReadonlyArray<string | undefined>, times: number): void => {
  assert.equal(tokens.length, times)
  tokens.forEach((token, index) => assert.equal(token, Fleet.tokenOf(index % size)))
}

/** A manager over a store with all installations, and the number of its reads of the store. */
const open = async (stored: Layer.Layer<InstallationStore.InstallationStore>) => {
  let looks = 0
  let coldReads = 0
  const counted = Layer.effect(
    InstallationStore.InstallationStore,
    Effect.map(InstallationStore.InstallationStore, (store): InstallationStore.Service => ({
      ...store,
      credential: (key) => {
        looks++
        return store.credential(key)
      }
    }))
  )
  const runtime = ManagedRuntime.make(
    TokenManager.layer().pipe(
      Layer.provideMerge(counted),
      Layer.provideMerge(stored),
      // It has no answers, so a read that calls Slack fails.
      Layer.provideMerge(OAuthV2.layerTest({}))
    )
  )
  const tomorrow = Date.now() + 24 * 3_600_000
  await runtime.runPromise(
    Effect.forEach(
      Array.from({ length: size }, (_, index) => Fleet.installation(index, tomorrow)),
      (installation) => InstallationStore.save(installation),
      { concurrency: 8, discard: true }
    )
  )
  return {
    runtime,
    /** How often a manager read a credential of the store, besides the first reads. */
    looks: () => looks - coldReads,
    expectColdReads: (times: number) => {
      coldReads += times
    }
  }
}

type Opened = Awaited<ReturnType<typeof open>>

const keys = Array.from({ length: size }, (_, index) => Fleet.keyOf(index))
const keyAt = (index: number) => keys[index % size]!

/** The tokens are unwrapped and checked after the time is taken. */
const reading =
  (read: (times: number, tokens: Array<Redacted.Redacted>) => void | Promise<void>): Candidate["prepare"] =>
  (times) =>
  async () => {
    const tokens: Array<Redacted.Redacted> = []
    await read(times, tokens)
    return () => verify(tokens.map(Redacted.value), times)
  }

const inOneFiber = ({ runtime }: Opened): Candidate["prepare"] =>
  reading((times, tokens) =>
    runtime.runPromise(Effect.gen(function*() {
      const manager = yield* TokenManager.TokenManager
      for (let index = 0; index < times; index++) tokens.push(yield* manager.botToken(keyAt(index)))
    }))
  )

/** What an event names. */
const places = keys.map((key) => ({ appId: key.appId, teamId: key._tag === "Workspace" ? key.teamId : undefined }))
const placeAt = (index: number) => places[index % size]!

const byPlace = ({ runtime }: Opened): Candidate["prepare"] =>
  reading((times, tokens) =>
    runtime.runPromise(Effect.gen(function*() {
      const manager = yield* TokenManager.TokenManager
      for (let index = 0; index < times; index++) tokens.push(yield* manager.botTokenFor(placeAt(index)))
    }))
  )

/** The first read of each token, by a manager that knows nothing yet. */
const first = (
  { expectColdReads, runtime }: Opened,
  read: (manager: TokenManager.Service, index: number) => Effect.Effect<Redacted.Redacted, unknown>
): Candidate["prepare"] =>
async (times) => {
  expectColdReads(times)
  const scope = Effect.runSync(Scope.make())
  const manager = await runtime.runPromise(Scope.extend(TokenManager.make(), scope))
  const measured = reading((times, tokens) =>
    runtime.runPromise(Effect.gen(function*() {
      for (let index = 0; index < times; index++) tokens.push(yield* read(manager, index))
    }))
  )(times)
  return async () => {
    const check = await (await measured)()
    return async () => {
      await check()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}

const firstByKey = (opened: Opened) => first(opened, (manager, index) => manager.botToken(keyAt(index)))

const firstByPlace = (opened: Opened) => first(opened, (manager, index) => manager.botTokenFor(placeAt(index)))

/** The workspace is in an organization, which may have the app too. So the store is asked which of the two serves it. */
const firstInOrganization = (opened: Opened) =>
  first(opened, (manager, index) => manager.botTokenFor({ ...placeAt(index), enterpriseId: "E0BENCH" }))

const byAccessor = ({ runtime }: Opened): Candidate["prepare"] =>
  reading((times, tokens) =>
    runtime.runPromise(Effect.gen(function*() {
      for (let index = 0; index < times; index++) tokens.push(yield* TokenManager.botToken(keyAt(index)))
    }))
  )

const bySync = ({ runtime }: Opened): Candidate["prepare"] =>
  reading((times, tokens) => {
    for (let index = 0; index < times; index++) tokens.push(runtime.runSync(TokenManager.botToken(keyAt(index))))
  })

const byPromise = ({ runtime }: Opened): Candidate["prepare"] =>
  reading(async (times, tokens) => {
    for (let index = 0; index < times; index++) {
      tokens.push(await runtime.runPromise(TokenManager.botToken(keyAt(index))))
    }
  })

/** `@slack/oauth` uses promises, and reads the store each time. */
const authorizing = (provider: SlackOAuth.InstallProvider): Candidate["prepare"] => (times) => async () => {
  const tokens: Array<string | undefined> = []
  for (let index = 0; index < times; index++) {
    tokens.push((await provider.authorize(Fleet.peerQuery(index % size))).botToken)
  }
  return () => verify(tokens, times)
}

/** `@slack/oauth` has no SQL store. This is the least that one has to do: it reads a row of JSON by its primary key. */
const openSqlPeer = async (url: string) => {
  const runtime = ManagedRuntime.make(connect(url))
  const run = <A>(f: (sql: SqlClient.SqlClient) => Effect.Effect<A, unknown>) =>
    runtime.runPromise(Effect.flatMap(SqlClient.SqlClient, f))
  await run((sql) => sql`CREATE TABLE peer (team TEXT PRIMARY KEY, json TEXT NOT NULL)`)
  const { provider } = makeProvider("http://127.0.0.1:1", {
    storeInstallation: (installation) =>
      run((sql) => sql`INSERT INTO peer VALUES (${installation.team?.id ?? ""}, ${JSON.stringify(installation)})`)
        .then(() => undefined),
    fetchInstallation: ({ teamId }) =>
      run((sql) => sql<{ readonly json: string }>`SELECT json FROM peer WHERE team = ${teamId ?? ""}`)
        .then(([row]) => JSON.parse(row!.json))
  })
  return { provider, dispose: () => runtime.dispose() }
}

const fill = async ({ installationStore }: SlackOAuth.InstallProvider) => {
  for (let index = 0; index < size; index++) {
    await installationStore.storeInstallation(Fleet.peerInstallation(index, Date.now() + 24 * 3_600_000))
  }
}

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const postgres = await Postgres.start()
  const scope = Effect.runSync(Scope.make())
  const newUrl = {
    libsql: () => Effect.runPromise(Scope.extend(libsqlUrl, scope)),
    Postgres: () => Effect.runPromise(Scope.extend(schemaUrl(postgres.url), scope))
  }
  const memory = await open(InstallationStore.layerMemory)
  const libsql = await open(sqlStore(await newUrl.libsql()))
  const onPostgres = await open(sqlStore(await newUrl.Postgres()))
  const opened = [memory, libsql, onPostgres]
  const peer = makeProvider("http://127.0.0.1:1")
  const peerOnLibsql = await openSqlPeer(await newUrl.libsql())
  const peerOnPostgres = await openSqlPeer(await newUrl.Postgres())
  for (const { provider } of [peer, peerOnLibsql, peerOnPostgres]) await fill(provider)

  const candidates: ReadonlyArray<Candidate> = [
    { name: "authorize, memory", prepare: authorizing(peer.provider) },
    { name: "authorize, libsql", times: 500, prepare: authorizing(peerOnLibsql.provider) },
    { name: "authorize, Postgres", times: 500, prepare: authorizing(peerOnPostgres.provider) },
    { name: "botToken, memory", prepare: inOneFiber(memory) },
    { name: "botToken, libsql", prepare: inOneFiber(libsql) },
    { name: "botToken, Postgres", prepare: inOneFiber(onPostgres) },
    { name: "botTokenFor, memory", prepare: byPlace(memory) },
    { name: "botTokenFor, libsql", prepare: byPlace(libsql) },
    { name: "botTokenFor, Postgres", prepare: byPlace(onPostgres) },
    { name: "first botToken, memory", times: size, prepare: firstByKey(memory) },
    { name: "first botToken, libsql", times: size, prepare: firstByKey(libsql) },
    { name: "first botToken, Postgres", times: size, prepare: firstByKey(onPostgres) },
    { name: "first botTokenFor, memory", times: size, prepare: firstByPlace(memory) },
    { name: "first botTokenFor, libsql", times: size, prepare: firstByPlace(libsql) },
    { name: "first botTokenFor, Postgres", times: size, prepare: firstByPlace(onPostgres) },
    { name: "first botTokenFor in an organization, libsql", times: size, prepare: firstInOrganization(libsql) },
    { name: "first botTokenFor in an organization, Postgres", times: size, prepare: firstInOrganization(onPostgres) },
    { name: "TokenManager.botToken, memory", prepare: byAccessor(memory) },
    { name: "runSync for each, memory", prepare: bySync(memory) },
    { name: "runPromise for each, memory", prepare: byPromise(memory) }
  ]

  try {
    const rows = await compare(candidates, { times: 50_000, rounds: 9 })
    for (const { looks } of opened) assert.equal(looks(), size, "after the first time, reads came from memory")
    const perSecond = (name: string) => spread(rowOf(rows, name).samples.map(({ wall }) => 1_000_000 / wall))
    const faster = (name: string, than = "authorize, memory") => wallRatio(rows, than, name)
    return [{
      title: "Reading a fresh token",
      columns: ["", "reads a second", "× authorize, memory"],
      rows: rows.map(({ name }) => [name, withSpread(perSecond(name)), withSpread(faster(name))]),
      data: rows,
      targets: ["memory", "libsql", "Postgres"].flatMap((where) => {
        const name = `botToken, ${where}`
        const than = `authorize, ${where}`
        const enough = atLeast(`${name}:`, perSecond(name).median, 300_000, "a second")
        // In memory, `@slack/oauth` reads a property of an object, and no effect can be much faster.
        const byPlace = `botTokenFor, ${where}`
        const enoughByPlace = atLeast(`${byPlace}:`, perSecond(byPlace).median, 500_000, "a second")
        const firstByKey = `first botToken, ${where}`
        const firstByPlace = `first botTokenFor, ${where}`
        const soonByPlace = atMost(
          `${firstByPlace}, by ${firstByKey}:`,
          faster(firstByKey, firstByPlace).median,
          1.5,
          "×"
        )
        return where === "memory"
          ? [enough, enoughByPlace, soonByPlace]
          : [
            atLeast(`${name}, by ${than}:`, faster(name, than).median, 10, "×"),
            enough,
            enoughByPlace,
            soonByPlace
          ]
      }),
      notes: [
        "`authorize` is the function of @slack/oauth, with a log that writes nothing. It keeps no cache. Its package has no " +
        "SQL store; the one here reads a row of JSON by its key.",
        "`botToken` runs in one fiber, in a loop of yields, with the service already in a variable. So does `botTokenFor`, " +
        "which takes the place of an event. `TokenManager.botToken` looks the service up each time. The last two start a " +
        "fiber for each read.",
        "In the rows with `first` the manager has read nothing yet, so each read asks the store. A place in an organization " +
        "takes two queries: which installation serves it, and its token.",
        `${number(size)} installations in turn, one read after the other, each token checked afterwards.`
      ]
    }]
  } finally {
    const runtimes = [...opened.map(({ runtime }) => runtime), peerOnLibsql, peerOnPostgres]
    await Promise.all(runtimes.map((runtime) => runtime.dispose()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await postgres.stop()
  }
}
