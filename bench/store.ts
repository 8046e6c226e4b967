/** The operations of the SQL store, compared with the same statements by hand. */
import * as SqlClient from "@effect/sql/SqlClient"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { strict as assert } from "node:assert"
import { connect } from "../test/utils/databases.js"
import * as Postgres from "../test/utils/postgres.js"
import { between, type Candidate, compare, type Row, rowOf, spread, wallRatio } from "./support/compare.js"
import * as Fleet from "./support/fleet.js"
import { atMost, type Report, withSpread } from "./support/report.js"
import * as ByHand from "./support/sqlByHand.js"
import { newDatabases, sqlStoreOver } from "./support/stores.js"

const expiresAt = Date.now() + 12 * 3_600_000

/**
 * Does something with each input, one after the other. The inputs are made before the time is taken, and the results are
 * checked afterwards.
 */
const series = <I, A>(
  input: (index: number) => I,
  once: (input: I) => Effect.Effect<A, unknown>,
  check: (result: A) => void
): Candidate["prepare"] =>
(times) => {
  const inputs = Array.from({ length: times }, (_, index) => input(index))
  // Collects the garbage of the inputs before the time is taken.
  globalThis.gc?.()
  return async () => {
    const results: Array<A> = []
    await Effect.runPromise(Effect.gen(function*() {
      for (const input of inputs) results.push(yield* once(input))
    }))
    return () => {
      assert.equal(results.length, times)
      results.forEach(check)
    }
  }
}

const generationOf = (saved: Installation.Installation) => Option.getOrThrow(saved.bot).generation

type Names = "save, new" | "save, again" | "compareAndSet" | "credential"

type Pair = readonly [store: Candidate["prepare"], hand: Candidate["prepare"]]

/** The store and the statements by hand use different installations. */
const candidatesOf = (store: InstallationStore.Service, hand: ByHand.ByHand): Readonly<Record<Names, Pair>> => {
  const [mine, its] = [Fleet.installation(0, expiresAt), ByHand.installation(0, expiresAt)]
  const bot = Installation.botKey(mine.key)
  let next = 1
  let [generation, itsGeneration] = [0, 0]
  return {
    "save, new": [
      series(() => Fleet.installation(next++, expiresAt), store.save, (saved) => assert.equal(generationOf(saved), 1)),
      series(() => ByHand.installation(next++, expiresAt), hand.save, (saved) => assert.equal(saved, 1))
    ],
    "save, again": [
      series(() => mine, store.save, (saved) => {
        generation = generationOf(saved)
      }),
      series(() => its, hand.save, (saved) => {
        itsGeneration = saved
      })
    ],
    compareAndSet: [
      series(
        (index) => [generation + index, Fleet.renewed(generation + index + 1, expiresAt)] as const,
        ([generation, change]) => store.compareAndSet(bot, generation, change),
        (swap) => {
          assert.equal(swap._tag, "Swapped")
          generation++
        }
      ),
      series(
        (index) => itsGeneration + index,
        (generation) => hand.compareAndSet(its, generation),
        (token) => {
          assert.equal(token, its.accessToken)
          itsGeneration++
        }
      )
    ],
    credential: [
      series(
        () => bot,
        store.credential,
        (found) => assert.equal(Option.getOrThrow(found).generation, generation)
      ),
      series(() => its, hand.credential, (token) => assert.equal(token, its.accessToken))
    ]
  }
}

/** How often an operation runs in a round, and its limit: its CPU divided by that of its statements by hand. */
const operations: Readonly<Record<Names, { readonly limit: number; readonly times: number }>> = {
  "save, new": { limit: 2, times: 100 },
  "save, again": { limit: 2, times: 100 },
  compareAndSet: { limit: 1.6, times: 200 },
  credential: { limit: 1.6, times: 300 }
}

const names = Object.keys(operations) as ReadonlyArray<Names>

const byHand = (operation: Names) => `${operation} by hand`

const report = (name: string, rows: ReadonlyArray<Row>): Report => {
  const cpuOf = (candidate: string) => withSpread(spread(rowOf(rows, candidate).samples.map(({ cpu }) => cpu)))
  const ratio = (operation: Names) => between(rows, operation, byHand(operation), (store, hand) => store.cpu / hand.cpu)
  return {
    title: `CPU of the store's operations on ${name}, and of their statements by hand`,
    columns: ["", "by hand µs", "store µs", "CPU ×", "wall ×"],
    rows: names.map((operation) => [
      operation,
      cpuOf(byHand(operation)),
      cpuOf(operation),
      withSpread(ratio(operation)),
      withSpread(wallRatio(rows, operation, byHand(operation)))
    ]),
    data: rows,
    targets: names.map((operation) =>
      atMost(`${operation}, by its statements by hand:`, ratio(operation).median, operations[operation].limit, "×")
    )
  }
}

const notes = [
  "By hand: the same statements through `@effect/sql`, AES-GCM by WebCrypto, JSON, and no models (`bench/support/sqlByHand.ts`).",
  "An installation is one bot token that rotates. Commits wait for the disk. CPU is that of this process with all its threads; a Postgres server is another process."
]

const measure = (name: string, url: string): Effect.Effect<Report, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const context = yield* Layer.build(sqlStoreOver(connect(url)))
    const store = Context.get(context, InstallationStore.InstallationStore)
    const pairs = candidatesOf(store, yield* ByHand.make(Context.get(context, SqlClient.SqlClient)))
    const candidates = names.flatMap((operation): ReadonlyArray<Candidate> => {
      const [prepare, prepareByHand] = pairs[operation]
      const { times } = operations[operation]
      return [{ name: byHand(operation), times, prepare: prepareByHand }, { name: operation, times, prepare }]
    })
    return report(name, yield* Effect.promise(() => compare(candidates, { times: 100, rounds: 11 })))
  })

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const postgres = await Postgres.start()
  try {
    const reports: Array<Report> = []
    for (const [name, newUrl] of Object.entries(newDatabases(postgres.url))) {
      reports.push(await Effect.runPromise(Effect.scoped(Effect.flatMap(newUrl, (url) => measure(name, url)))))
    }
    return reports.map((report, index) => index === reports.length - 1 ? { ...report, notes } : report)
  } finally {
    await postgres.stop()
  }
}
