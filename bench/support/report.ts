import { between, type Row, type Spread, spread, wallRatio } from "./compare.js"

/** A target of a benchmark, and its result. */
export interface Target {
  readonly text: string
  readonly value: number
  readonly limit: number
  readonly unit: string
  readonly met: boolean
  /** Whether more is better. */
  readonly atLeast?: boolean
}

/** The result of one benchmark: a table for people, and the same numbers as data. */
export interface Report {
  readonly title: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly data: unknown
  readonly targets?: ReadonlyArray<Target>
  readonly notes?: ReadonlyArray<string>
}

export const number = (value: number): string =>
  Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString("en-US")
    : Math.abs(value) >= 100
    ? value.toFixed(0)
    : Math.abs(value) >= 10
    ? value.toFixed(1)
    : Math.abs(value) >= 0.1 || value === 0
    ? value.toFixed(2)
    : value.toPrecision(2)

/** Median, and the quartiles around it. */
export const withSpread = ({ high, low, median }: Spread): string =>
  `${number(median)} (${number(low)}–${number(high)})`

export const atMost = (text: string, value: number, limit: number, unit: string): Target => ({
  text,
  value,
  limit,
  unit,
  met: value <= limit
})

export const atLeast = (text: string, value: number, limit: number, unit: string): Target => ({
  ...atMost(text, value, limit, unit),
  met: value >= limit,
  atLeast: true
})

/** The same target, judged by another value. */
export const withValue = ({ atLeast: isAtLeast, limit, text, unit }: Target, value: number): Target =>
  (isAtLeast ? atLeast : atMost)(text, value, limit, unit)

/** The table of a comparison. The first row is the one that the others are compared with. */
export const ofRows = (
  title: string,
  rows: ReadonlyArray<Row>,
  more: Pick<Report, "targets" | "notes"> = {}
): Report => {
  const reference = rows[0]!.name
  return {
    title,
    columns: ["", "wall µs", "CPU µs", "wall ×", "CPU ×"],
    rows: rows.map(({ name, samples }) => [
      name,
      withSpread(spread(samples.map(({ wall }) => wall))),
      withSpread(spread(samples.map(({ cpu }) => cpu))),
      withSpread(wallRatio(rows, name, reference)),
      withSpread(between(rows, name, reference, (one, other) => one.cpu / other.cpu))
    ]),
    data: rows,
    ...more
  }
}

/** A target in one line. */
export const line = ({ limit, met, text, unit, value }: Target): string =>
  `${met ? "met" : "MISSED"}: ${text} ${number(value)} ${unit} (target ${number(limit)} ${unit})`

/** A table for the terminal. */
export const print = ({ columns, notes = [], rows, targets = [], title }: Report): string => {
  const lines = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const aligned = (cells: ReadonlyArray<string>) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join("  ")
  return [
    "",
    title,
    aligned(columns),
    aligned(widths.map((width) => "─".repeat(width))),
    ...rows.map(aligned),
    ...targets.map((target) => `  ${line(target)}`),
    ...notes.map((note) => `  ${note}`)
  ].join("\n")
}

/** A table for a page in Markdown. */
export const markdown = ({ columns, notes = [], rows, targets = [], title }: Report): string =>
  [
    `**${title}**`,
    "",
    `| ${columns.join(" | ")} |`,
    `| ${columns.map((_, column) => column === 0 ? "---" : "---:").join(" | ")} |`,
    ...rows.map((cells) => `| ${cells.join(" | ")} |`),
    ...(targets.length + notes.length === 0 ? [] : [""]),
    ...targets.map((target) => `- ${line(target)}`),
    ...notes.map((note) => `- ${note}`)
  ].join("\n")
