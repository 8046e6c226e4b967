/** Reading a token that is fresh: from `TokenManager`, over each store, against `authorize` of `@slack/oauth`. */
import { Effect, Exit, Layer, ManagedRuntime, Redacted, Scope } from "effect"
import { InstallationStore, OAuthV2, TokenManager } from "effect-slack-oauth"
import { strict as assert } from "node:assert"
import { libsqlUrl, schemaUrl } from "../test/utils/databases.js"
import * as Postgres from "../test/utils/postgres.js"
import { type Candidate, compare, rowOf, spread, wallRatio } from "./support/compare.js"
import * as Fleet from "./support/fleet.js"
import { makeProvider } from "./support/peer.js"
import { atLeast, number, type Report, withSpread } from "./support/report.js"
import { sqlStore } from "./support/stores.js"

const size = 1000
const times = 50_000

const verify = (tokens: ReadonlyArray<string | undefined>) => () => {
  assert.equal(tokens.length, times)
  tokens.forEach((token, index) => assert.equal(token, Fleet.tokenOf(index % size)))
}

/** A manager over a store with all installations, and how often it looked into the store. */
const open = async (stored: Layer.Layer<InstallationStore.InstallationStore>) => {
  let looks = 0
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
      // Has no answers: a read that called Slack would fail.
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
  return { runtime, looks: () => looks }
}

type Opened = Awaited<ReturnType<typeof open>>

const keys = Array.from({ length: size }, (_, index) => Fleet.keyOf(index))
const keyAt = (index: number) => keys[index % size]!

const reading = (read: (times: number, tokens: Array<Redacted.Redacted>) => void | Promise<void>) =>
(
  times: number
) =>
async () => {
  const tokens: Array<Redacted.Redacted> = []
  await read(times, tokens)
  return verify(tokens.map(Redacted.value))
}

const inOneFiber = ({ runtime }: Opened): Candidate["prepare"] =>
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

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const postgres = await Postgres.start()
  const scope = Effect.runSync(Scope.make())
  const urlOf = <A, E>(url: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Scope.extend(url, scope))
  const memory = await open(InstallationStore.layerMemory)
  const libsql = await open(sqlStore(await urlOf(libsqlUrl)))
  const onPostgres = await open(sqlStore(await urlOf(schemaUrl(postgres.url))))
  const opened = [memory, libsql, onPostgres]
  const { provider, store } = makeProvider("http://127.0.0.1:1")
  for (let index = 0; index < size; index++) {
    await store.storeInstallation(Fleet.peerInstallation(index, Date.now() + 24 * 3_600_000))
  }

  const peer = "@slack/oauth authorize, memory"
  const candidates: ReadonlyArray<Candidate> = [
    {
      name: peer,
      prepare: (times) => async () => {
        const tokens: Array<string | undefined> = []
        for (let index = 0; index < times; index++) {
          tokens.push((await provider.authorize(Fleet.peerQuery(index % size))).botToken)
        }
        return verify(tokens)
      }
    },
    { name: "botToken in one fiber, memory", prepare: inOneFiber(memory) },
    { name: "botToken in one fiber, libsql", prepare: inOneFiber(libsql) },
    { name: "botToken in one fiber, Postgres", prepare: inOneFiber(onPostgres) },
    { name: "botToken by runSync each, memory", prepare: bySync(memory) },
    { name: "botToken by runPromise each, memory", prepare: byPromise(memory) }
  ]

  try {
    const rows = await compare(candidates, { times, rounds: 9 })
    for (const { looks } of opened) assert.equal(looks(), size, "after the first time, reads came from memory")
    const perSecond = (name: string) => spread(rowOf(rows, name).samples.map(({ wall }) => 1_000_000 / wall))
    const faster = (name: string) => wallRatio(rows, peer, name)
    return [{
      title: "Reading a fresh token",
      columns: ["", "reads a second", "× as fast"],
      rows: rows.map(({ name }) => [name, withSpread(perSecond(name)), withSpread(faster(name))]),
      data: rows,
      targets: ["memory", "libsql", "Postgres"].flatMap((where) => {
        const name = `botToken in one fiber, ${where}`
        return [
          atLeast(`${name}:`, faster(name).median, 10, "× authorize"),
          atLeast(`${name}:`, perSecond(name).median, 300_000, "a second")
        ]
      }),
      notes: [
        `${size} installations, ${number(times)} reads in turn, one after the other, each token checked afterwards.`,
        "@slack/oauth keeps no cache: over a database each authorize reads a row. It has no SQL store to measure."
      ]
    }]
  } finally {
    await Promise.all(opened.map(({ runtime }) => runtime.dispose()))
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await postgres.stop()
  }
}
