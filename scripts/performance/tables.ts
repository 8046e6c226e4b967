/** The tables that `npm run bench:docs` has put into docs/performance.md, as numbers. */
import { readFileSync } from "node:fs"

export const page = new URL("../../docs/performance.md", import.meta.url)

interface Table {
  readonly title: string
  readonly columns: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

const cellsOf = (line: string): ReadonlyArray<string> => line.slice(1, -1).split("|").map((cell) => cell.trim())

const tablesOf = (text: string): ReadonlyArray<Table> =>
  Array.from(
    text.matchAll(/^\*\*(.+)\*\*\n\n(\|.*\|)\n\|[ :|-]+\|\n((?:\|.*\|\n?)+)/gm),
    ([, title = "", head = "", body = ""]) => ({
      title,
      columns: cellsOf(head),
      rows: body.trim().split("\n").map(cellsOf)
    })
  )

/** The first number of a cell: the median in `1,034 (951–1,144)`. */
const numberOf = (cell: string): number => Number(/^-?[\d,.]+/.exec(cell)?.[0].replaceAll(",", ""))

/** A number with two digits that count. */
export const digits = (value: number): string =>
  value < 10 ? value.toPrecision(2) : Number(value.toPrecision(2)).toLocaleString("en")

/**
 * One number of one table: of the benchmark between the markers, in the row that begins with these cells. It throws an
 * error that says what is missing, because a benchmark may have got other rows.
 */
export type Look = (
  benchmark: string,
  title: string,
  row: string | ReadonlyArray<string>,
  column: string
) => number

export const reader = (text: string): Look => (benchmark, title, row, column) => {
  const cells = typeof row === "string" ? [row] : row
  const where = `docs/performance.md, ${benchmark}, "${title}", ${cells.join(", ")}, ${column}`
  const [, section = ""] = new RegExp(`<!-- bench:${benchmark} -->([^]*?)<!-- /bench:${benchmark} -->`).exec(text) ?? []
  const table = tablesOf(section).find((table) => table.title === title)
  const found = table?.rows.find((row) => cells.every((cell, index) => row[index] === cell))
  const value = numberOf(found?.[table?.columns.indexOf(column) ?? -1] ?? "")
  if (!Number.isFinite(value)) throw new Error(`${where}: there is no such number`)
  return value
}

export const look: Look = reader(readFileSync(page, "utf8"))
