/** The findings as text and as JSON. */
import type { Finding, Level } from "./finding.js"

const marks: Readonly<Record<Level, string>> = {
  ok: "ok     ",
  warning: "warning",
  error: "ERROR  ",
  skipped: "skipped"
}

const count = (findings: ReadonlyArray<Finding>, level: Level): number =>
  findings.filter((finding) => finding.level === level).length

const plural = (number: number, word: string): string => `${number} ${word}${number === 1 ? "" : "s"}`

export const summary = (findings: ReadonlyArray<Finding>): string =>
  [
    plural(count(findings, "error"), "error"),
    plural(count(findings, "warning"), "warning"),
    `${count(findings, "ok")} ok`,
    `${count(findings, "skipped")} skipped`
  ].join(", ")

const line = ({ id, level, todo, what }: Finding): string =>
  `${marks[level]} ${id.padEnd(20)} ${what}${todo === "" ? "" : `\n${" ".repeat(29)}${todo}`}`

export const asText = (findings: ReadonlyArray<Finding>): string =>
  [...findings.map(line), "", `${summary(findings)}.`].join("\n")

export const asJson = (findings: ReadonlyArray<Finding>): string =>
  JSON.stringify({ findings, errors: count(findings, "error"), warnings: count(findings, "warning") }, null, 2)

export const hasErrors = (findings: ReadonlyArray<Finding>): boolean => count(findings, "error") > 0
