/** Node and the packages of the app's project. */
import { error, type Finding, firstOf, ok, skipped, warning } from "./finding.js"

export interface Installed {
  readonly name: string
  readonly version: string
}

export interface Project {
  readonly node: string
  /** The version of this package in the project, if it is there. */
  readonly own: string | undefined
  readonly packages: ReadonlyArray<Installed>
  /** All versions of `effect` that are installed, nested ones too. */
  readonly effects: ReadonlyArray<string>
}

/** The lowest versions, and the first that is too new. Those of `package.json`. */
export const ranges: Readonly<Record<string, readonly [from: string, below: string]>> = {
  effect: ["3.19.19", "4.0.0"],
  "@effect/platform": ["0.93.0", "0.98.0"],
  "@effect/sql": ["0.47.0", "0.53.0"],
  "@effect/sql-libsql": ["0.37.0", "0.43.0"],
  "@libsql/client": ["0.12.0", "0.13.0"]
}

export const lowestNode = "20.19.0"

const numbers = (version: string): ReadonlyArray<number> =>
  version.replace(/^v/, "").replace(/[-+].*$/, "").split(".").map(Number)

/** Negative if `a` is lower than `b`. Pre-releases count as their release. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [numbers(a), numbers(b)]
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

const node = ({ node }: Project): Finding =>
  compareVersions(node, lowestNode) < 0
    ? error("node", `Node ${node} is too old.`, `Install Node ${lowestNode} or later.`)
    : ok("node", `Node ${node} can be used.`)

const isMajor = (version: string | undefined, major: number): boolean => version?.split(".")[0] === String(major)

const install = "npm install effect-slack-oauth@0 effect@3 @effect/platform@0.97"

const effect = ({ effects, own, packages }: Project): Finding => {
  const id = "effect"
  const version = packages.find(({ name }) => name === "effect")?.version
  if (version === undefined) {
    return skipped(id, "There is no effect in node_modules here.", "Run this command in the folder of the app.")
  }
  const distinct = Array.from(new Set(effects))
  return firstOf(
    ok(id, `effect ${version} can be used, and is there once.`),
    isMajor(own, 0) && isMajor(version, 4)
      ? error(
        id,
        `effect-slack-oauth ${own} is for Effect 3, and the project has effect ${version}.`,
        "Install effect-slack-oauth@1 for Effect 4."
      )
      : undefined,
    isMajor(own, 1) && isMajor(version, 3)
      ? error(
        id,
        `effect-slack-oauth ${own} is for Effect 4, and the project has effect ${version}.`,
        `For Effect 3: ${install}.`
      )
      : undefined,
    distinct.length > 1
      ? error(
        id,
        `There are ${distinct.length} copies of effect: ${
          distinct.join(", ")
        }. Services of one are unknown to the other.`,
        "Run npm ls effect, give all packages one version, and run npm dedupe."
      )
      : undefined
  )
}

const peers = ({ own, packages }: Project): Finding => {
  const id = "peers"
  if (isMajor(own, 1)) return ok(id, "effect-slack-oauth 1.x needs effect 4 alone.")
  const wrong = packages.flatMap(({ name, version }) => {
    const range = ranges[name]
    if (range === undefined || (name === "effect" && isMajor(version, 4))) return []
    const [from, below] = range
    return compareVersions(version, from) < 0
      ? [`${name} ${version} is older than ${from}`]
      : compareVersions(version, below) >= 0
      ? [`${name} ${version} is newer than this package was tested with (below ${below})`]
      : []
  })
  const hasPlatform = packages.some(({ name }) => name === "@effect/platform")
  return firstOf(
    ok(id, "The other packages have versions that fit."),
    wrong.length > 0 ? error(id, `${wrong.join("; ")}.`, `Install versions that fit: ${install}.`) : undefined,
    !hasPlatform && packages.some(({ name }) => name === "effect")
      ? error(id, "@effect/platform is not installed.", `Install it: ${install}.`)
      : undefined
  )
}

const own = ({ own }: Project): Finding =>
  own === undefined
    ? warning(
      "package",
      "effect-slack-oauth is not installed here.",
      `Run this command in the folder of the app, or: ${install}.`
    )
    : ok("package", `effect-slack-oauth ${own} is installed.`)

export const checkProject = (project: Project): ReadonlyArray<Finding> => [
  node(project),
  own(project),
  effect(project),
  peers(project)
]
