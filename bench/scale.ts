/** Stores that several processes use, and a sweep of ten thousand installations. `sweep` has larger ones. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Postgres from "../test/utils/postgres.js"
import type { Operation, Settings, Told } from "./programs/store.js"
import * as Programs from "./support/programs.js"
import { number, type Report } from "./support/report.js"
import { newDatabases } from "./support/stores.js"
import { sweepReport } from "./sweep.js"

const operations: ReadonlyArray<Operation> = ["save", "compareAndSet", "credential"]

/** Operations a second, of all processes together. */
const measure = async (url: string, processes: number) => {
  const width = 8
  const programs = Array.from({ length: processes }, (_, process) => {
    const settings: Settings = { url, process, width }
    return Programs.start("store", settings)
  })
  try {
    for (const { hear } of programs) await hear()
    const rates: Array<number> = []
    for (const operation of operations) {
      // The first round warms up.
      for (const milliseconds of [500, 1500]) {
        const told: Told = { operation, milliseconds }
        for (const { tell } of programs) tell(told)
        const answers = await Promise.all(programs.map(({ hear }) => hear()))
        if (milliseconds > 500) {
          rates.push(answers.reduce((sum, { done, milliseconds }) => sum + done / milliseconds * 1000, 0))
        }
      }
    }
    return rates
  } finally {
    await Promise.all(programs.map(({ stop }) => stop()))
  }
}

const stores = async (): Promise<Report> => {
  const postgres = await Postgres.start()
  const scope = Effect.runSync(Scope.make())
  try {
    const data: Array<{ readonly store: string; readonly processes: number; readonly rates: ReadonlyArray<number> }> =
      []
    for (const [store, newDatabase] of Object.entries(newDatabases(postgres.url))) {
      for (const processes of [1, 4, 8]) {
        const url = await Effect.runPromise(Scope.extend(newDatabase, scope))
        data.push({ store, processes, rates: await measure(url, processes) })
      }
    }
    return {
      title: "Store operations a second, all processes together",
      columns: ["", "processes", ...operations],
      rows: data.map(({ processes, rates, store }) => [store, String(processes), ...rates.map(number)]),
      data,
      notes: [
        "Sealed rows, 8 operations at once in each process, each on an installation of its own; every compare-and-set " +
        "succeeded and every read found the latest generation.",
        "`sqlite-node` is `@effect/sql-sqlite-node`, which is here if `npm run sqlite-node` has installed it.",
        "All processes and Postgres share this machine's cores, so these are no limits of the databases."
      ]
    }
  } finally {
    await Effect.runPromise(Scope.close(scope, Exit.void))
    await postgres.stop()
  }
}

export const run = async (): Promise<ReadonlyArray<Report>> => [await stores(), await sweepReport([10_000])]
