/** Several runs of one benchmark become one: of each table the run in the middle, by the target that decides it. */
import { number, type Report, type Target } from "./report.js"

/** How near a target was to be missed: 1 is exactly met. */
const strain = ({ atLeast, limit, value }: Target): number => atLeast ? limit / value : value / limit

/** The larger, the worse the run; a table without targets has its runs in the order in which they were made. */
const worst = ({ targets = [] }: Report): number => Math.max(0, ...targets.map(strain))

export const median = (runs: ReadonlyArray<ReadonlyArray<Report>>): ReadonlyArray<Report> =>
  runs[0]!.map(({ title }, index) => {
    const sorted = runs.map((reports) => reports[index]!).sort((one, other) => worst(one) - worst(other))
    const middle = sorted[Math.floor((sorted.length - 1) / 2)]!
    if (sorted.some((report) => report.title !== title)) {
      throw new Error(`The runs do not have the same tables: ${title}`)
    }
    const spans = (middle.targets ?? []).map(({ text, unit }, target) => {
      const values = sorted.map(({ targets }) => targets![target]!.value)
      return `${text} ${number(Math.min(...values))}–${number(Math.max(...values))} ${unit}`
    })
    return {
      ...middle,
      notes: [
        ...middle.notes ?? [],
        `The middle one of ${runs.length} runs.${spans.length > 0 ? ` All of them: ${spans.join("; ")}.` : ""}`
      ]
    }
  })
