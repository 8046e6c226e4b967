/** Sweeps of large fleets through a day, each in a process of its own. */
import type { Swept } from "./programs/sweep.js"
import * as Programs from "./support/programs.js"
import { atMost, number, type Report } from "./support/report.js"

const sweep = async (size: number): Promise<Swept> => {
  const program = Programs.start("sweep", { size })
  try {
    return await program.hear()
  } finally {
    await program.stop()
  }
}

/** The busiest hour divided by the average hour: of the whole day, and after the first tokens have expired. */
const peaks = ({ perHour }: Swept) => {
  const peak = (hours: ReadonlyArray<number>) =>
    Math.max(...hours) / (hours.reduce((sum, count) => sum + count, 0) / hours.length)
  return { all: peak(perHour), later: peak(perHour.slice(12)) }
}

export const sweepReport = async (sizes: ReadonlyArray<number>): Promise<Report> => {
  const swept: Array<Swept> = []
  for (const size of sizes) swept.push(await sweep(size))
  return {
    title: "24 hours of a fleet that was installed in one minute",
    columns: [
      "installations",
      "refreshes",
      "busiest hour by average",
      "after 12 h",
      "reads",
      "installing s",
      "sweeping s",
      "longest pass s",
      "kB of heap each"
    ],
    rows: swept.map((one) => [
      number(one.size),
      number(one.refreshes),
      number(peaks(one).all),
      number(peaks(one).later),
      number(one.reads),
      number(one.installSeconds),
      number(one.sweepSeconds),
      number(one.longestPassSeconds),
      number(one.bytesPerInstallation / 1000)
    ]),
    data: swept,
    targets: swept.map((one) =>
      atMost(`${number(one.size)} installations, busiest hour by average:`, peaks(one).all, 1.5, "×")
    ),
    notes: [
      "The clock is a test clock, Slack and the store are in memory. No refresh token was sent twice, and every token " +
      "that was read was valid then: anything else ends the run."
    ]
  }
}

export const run = async (): Promise<ReadonlyArray<Report>> => [await sweepReport([10_000, 100_000, 1_000_000])]
