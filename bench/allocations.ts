/** How much more a call allocates than platform's client. The number does not depend on what else the machine does. */
import { type Spread, spread } from "./support/compare.js"
import { start } from "./support/programs.js"
import { atMost, type Report, withSpread } from "./support/report.js"

interface Row {
  readonly name: string
  readonly samples: ReadonlyArray<{ readonly bytes: number; readonly cpu: number }>
}

/** The most that a call may allocate beyond the same call by platform's client, in kB. */
const limit = 15

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const program = start("allocations", {}, ["--min-semi-space-size=256", "--max-semi-space-size=256"])
  const rows: ReadonlyArray<Row> = await program.hear()
  await program.stop()
  const idle = rows[0]!.samples
  // The row of an empty effect is what the loop and the start of a fiber allocate. It is subtracted from the other rows.
  const beyond = ({ samples }: Row, of: keyof Row["samples"][number], unit = 1): Spread =>
    spread(samples.map((sample, round) => (sample[of] - idle[round]![of]) / unit))
  const kilobytes = (name: string): number => beyond(rows.find((row) => row.name === name)!, "bytes", 1000).median
  return [{
    title: "What a call allocates, with an HTTP client in memory",
    columns: ["", "kB", "CPU µs"],
    rows: rows.slice(1).map((
      row
    ) => [row.name, withSpread(beyond(row, "bytes", 1000)), withSpread(beyond(row, "cpu"))]),
    data: rows,
    targets: [
      atMost(
        "a call by OAuthV2, beyond one by @effect/platform:",
        kilobytes("a call by OAuthV2") - kilobytes("a call by @effect/platform"),
        limit,
        "kB"
      )
    ],
    notes: [
      "What an effect that does nothing allocates is subtracted. No garbage is collected within a round. " +
      "`npm run allocations` measures this, and ends with an error if the target is missed."
    ]
  }]
}
