import type { Row, Spread } from "./compare.js"

/** What one benchmark has to say: tables for people, and the same numbers as JSON. */
export interface Report {
  readonly title: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
  readonly data: unknown
  readonly notes?: ReadonlyArray<string>
}

const number = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)

/** Median, and the quartiles around it. */
export const withSpread = ({ high, low, median }: Spread): string =>
  `${number(median)} (${number(low)}–${number(high)})`

/** The table of a comparison. */
export const ofRows = (title: string, rows: ReadonlyArray<Row>, notes: ReadonlyArray<string> = []): Report => ({
  title,
  columns: ["", "wall µs", "CPU µs", "wall ×", "CPU ×"],
  rows: rows.map(({ cpu, cpuRatio, name, wall, wallRatio }) => [
    name,
    withSpread(wall),
    withSpread(cpu),
    withSpread(wallRatio),
    withSpread(cpuRatio)
  ]),
  data: rows,
  notes
})

/** A table for the terminal. */
export const print = ({ columns, notes = [], rows, title }: Report): string => {
  const lines = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const line = (cells: ReadonlyArray<string>) =>
    cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join("  ")
  return [
    "",
    title,
    line(columns),
    line(widths.map((width) => "─".repeat(width))),
    ...rows.map(line),
    ...notes.map((note) => `  ${note}`)
  ].join("\n")
}
