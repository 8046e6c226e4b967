/** What `doctor` found. No finding has a secret in it: only ids, public addresses and versions are repeated. */

/**
 * - `ok`: this is as it has to be
 * - `warning`: the app starts, and this will be a surprise later
 * - `error`: something does not work
 * - `skipped`: this could not be looked at
 */
export type Level = "ok" | "warning" | "error" | "skipped"

export interface Finding {
  /** The name of the check. It does not change between versions. */
  readonly id: string
  readonly level: Level
  /** What happened. */
  readonly what: string
  /** What to do; empty if there is nothing to do. */
  readonly todo: string
}

export const ok = (id: string, what: string): Finding => ({ id, level: "ok", what, todo: "" })
export const warning = (id: string, what: string, todo: string): Finding => ({ id, level: "warning", what, todo })
export const error = (id: string, what: string, todo: string): Finding => ({ id, level: "error", what, todo })
export const skipped = (id: string, what: string, todo: string): Finding => ({ id, level: "skipped", what, todo })

/** The first finding that there is, or `good`. */
export const firstOf = (good: Finding, ...findings: ReadonlyArray<Finding | undefined>): Finding =>
  findings.find((finding) => finding !== undefined) ?? good
