/**
 * The long run: what many lives have shown, in parts that were lived at different times. `test/long-run.json` has what each
 * part counted, and `docs/token-rotation.md` shows it.
 */
import type { Batch } from "./batches.js"
import * as Judge from "./judge.js"
import * as Plan from "./plan.js"

/** Lives of successive seeds, on one version of the code. */
export interface Part extends Batch {
  /** Seconds of one core. */
  readonly cpuSeconds: number
  /** The major of Effect. */
  readonly effect: number
  /** The last commit that changed the code or the simulation. */
  readonly commit: string
  readonly counts: Judge.Counts
}

export const number = (value: number): string => value.toLocaleString("en")

export const seedsOf = ({ first, lives }: Batch): string => `${number(first)} to ${number(first + lives - 1)}`

const yearsOf = ({ installationMillis }: Judge.Counts): string =>
  number(Math.round(installationMillis / Plan.day / 365))

/** Why a part cannot be added; `undefined` if it can. */
export const refusal = (parts: ReadonlyArray<Part>, wanted: Batch): string | undefined => {
  const known = parts.find(({ first, lives }) => first < wanted.first + wanted.lives && wanted.first < first + lives)
  if (known === undefined) return undefined
  const next = Math.max(...parts.map(({ first, lives }) => first + lives))
  return `The seeds ${seedsOf(wanted)} overlap with the recorded ones ${seedsOf(known)}, and a life counts once. ` +
    `The first seed after all that are recorded is ${next}`
}

/** Whether a part goes on where another one ends, on the same version of the code. */
const isNext = (a: Part, b: Part): boolean =>
  a.first + a.lives === b.first && a.commit === b.commit && a.effect === b.effect

const join = (a: Part, b: Part): Part => ({
  ...a,
  lives: a.lives + b.lives,
  cpuSeconds: a.cpuSeconds + b.cpuSeconds,
  counts: Judge.add(a.counts, b.counts)
})

/** The parts with one more, by their seeds. Parts that follow each other are one. */
export const add = (parts: ReadonlyArray<Part>, part: Part): ReadonlyArray<Part> =>
  [...parts, part].sort((a, b) => a.first - b.first).reduce<ReadonlyArray<Part>>((before, next) => {
    const last = before.at(-1)
    return last !== undefined && isNext(last, next) ? [...before.slice(0, -1), join(last, next)] : [...before, next]
  }, [])

const windows = Object.entries(Judge.windows)

/** What was counted, as a table. */
export const tableOf = (counts: Judge.Counts): ReadonlyArray<string> => {
  const rows: ReadonlyArray<readonly [what: string, count: string]> = [
    ["years of installations", yearsOf(counts)],
    ["refreshes", number(counts.refreshes)],
    ["callers that got a token", number(counts.served)],
    ["callers that got an error", number(counts.unavailable)],
    ["processes that died", number(counts.deaths)],
    ["processes that froze", number(counts.freezes)],
    ["processes that froze in the instant before they sent", number(counts.naps)],
    ["tokens that were served, and that Slack had ended", number(counts.servedEnded)],
    ...windows.map(([window, sentence]) =>
      [`chains lost because ${sentence}`, number(counts.losses[window] ?? 0)] as const
    ),
    ["chains lost for a reason that is not one of these", number(counts.outside)]
  ]
  return ["| what | how often |", "| --- | ---: |", ...rows.map(([what, count]) => `| ${what} | ${count} |`)]
}

/** The page's lines: the parts, and the sum of what they counted. */
export const render = (parts: ReadonlyArray<Part>): ReadonlyArray<string> => {
  const lives = parts.reduce((sum, { lives }) => sum + lives, 0)
  const rows = parts.map(({ commit, counts, cpuSeconds, effect, ...seeds }) =>
    [
      seedsOf(seeds),
      String(effect),
      yearsOf(counts),
      number(counts.refreshes),
      number(counts.outside),
      windows.map(([window]) => number(counts.losses[window] ?? 0)).join(" / "),
      `${number(Math.round(cpuSeconds / 60))} min`,
      `\`${commit}\``
    ].join(" | ")
  )
  return [
    `${number(lives)} lives, in ${parts.length} ${parts.length === 1 ? "part" : "parts"}. ` +
    "The second table names the reasons for which a chain was lost; the first has their numbers in the same order:",
    "",
    "| seeds | Effect | years of installations | refreshes | lost for another reason | lost for these reasons | time of one core | commit |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ...rows.map((row) => `| ${row} |`),
    "",
    ...tableOf(parts.map(({ counts }) => counts).reduce(Judge.add, Judge.noCounts()))
  ]
}
