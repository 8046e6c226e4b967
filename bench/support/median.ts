/**
 * Several runs of one benchmark become one: of each table the run in the middle, by the target that decides it, and of each
 * target the median.
 */
import { spread } from "./compare.js"
import { number, type Report, type Target, withValue } from "./report.js"

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
    const valuesOf = (target: number) => sorted.map(({ targets }) => targets![target]!.value)
    const spans = (middle.targets ?? []).map(({ text, unit }, target) => {
      const values = valuesOf(target)
      return `${text} ${number(Math.min(...values))}–${number(Math.max(...values))} ${unit}`
    })
    const targets = middle.targets?.map((target, index) => withValue(target, spread(valuesOf(index)).median))
    return {
      ...middle,
      ...(targets && { targets }),
      notes: [
        ...middle.notes ?? [],
        `This is the middle one of ${runs.length} runs.${
          spans.length > 0 ? ` A target is judged by the median of all runs: ${spans.join("; ")}.` : ""
        }`
      ]
    }
  })
