/** Node and the packages of the app's project, for both majors of this package. */
import { version } from "../../src/internal/version.js"
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

/** What one major of this package needs. */
interface Needs {
  /** The major of Effect. */
  readonly effect: number
  readonly node: string
  /** The lowest versions, and the first that is too new. Those of `package.json`. */
  readonly ranges: Readonly<Record<string, readonly [from: string, below: string]>>
  readonly install: string
}

export const needs: { readonly 0: Needs; readonly 1: Needs } = {
  0: {
    effect: 3,
    node: "20.19.0",
    ranges: {
      effect: ["3.19.19", "4.0.0"],
      "@effect/platform": ["0.93.0", "0.98.0"],
      "@effect/sql": ["0.47.0", "0.53.0"],
      "@effect/sql-libsql": ["0.37.0", "0.43.0"],
      "@effect/vitest": ["0.27.0", "0.31.0"],
      "@libsql/client": ["0.12.0", "0.13.0"]
    },
    install: "npm install effect-slack-oauth@0 effect@3 @effect/platform@0.97"
  },
  1: {
    effect: 4,
    node: "22.19.0",
    ranges: {
      effect: ["4.1.0", "4.2.0"],
      "@effect/vitest": ["4.0.5", "4.2.0"]
    },
    install: "npm install effect-slack-oauth@1 effect@4.1"
  }
}

/** Packages that Effect 4 does not have: their modules are in `effect`, or nobody has released them. */
const only3 = ["@effect/platform", "@effect/sql", "@effect/sql-libsql"]

/** Packages that have a version like `effect` itself for Effect 4. */
const both = ["@effect/platform-node", "@effect/sql-pg", "@effect/vitest"]

/** The packages whose versions matter. */
export const looked: ReadonlyArray<string> = Array.from(
  new Set([...Object.keys(needs[0].ranges), ...Object.keys(needs[1].ranges), ...only3, ...both])
)

/** The major of Effect that a package is for, if only one is. */
const effectOf = ({ name, version }: Installed): number | undefined =>
  only3.includes(name) ? 3 : both.includes(name) ? (isMajor(version, 4) ? 4 : 3) : undefined

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

const isMajor = (version: string, major: number): boolean => version.split(".")[0] === String(major)

/** What the project's version of this package needs, or the version of this command if there is none. */
const needsOf = ({ own = version }: Project): Needs => needs[isMajor(own, 0) ? 0 : 1]

const node = (project: Project): Finding => {
  const { node: lowest } = needsOf(project)
  return compareVersions(project.node, lowest) < 0
    ? error("node", `Node ${project.node} is too old.`, `Install Node ${lowest} or later.`)
    : ok("node", `Node ${project.node} can be used.`)
}

const effectIn = ({ packages }: Project): string | undefined => packages.find(({ name }) => name === "effect")?.version

const effect = (project: Project): Finding => {
  const id = "effect"
  const { effects, own } = project
  const needed = needsOf(project).effect
  const version = effectIn(project)
  if (version === undefined) {
    return skipped(id, "There is no effect in node_modules here.", "Run this command in the folder of the app.")
  }
  const distinct = Array.from(new Set(effects))
  return firstOf(
    ok(id, `effect ${version} can be used, and is there once.`),
    own === undefined || isMajor(version, needed) ? undefined : error(
      id,
      `effect-slack-oauth ${own} is for Effect ${needed}, and the project has effect ${version}.`,
      isMajor(version, 4) ? `For Effect 4: ${needs[1].install}.` : `For Effect 3: ${needs[0].install}.`
    ),
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

const peers = (project: Project): Finding => {
  const id = "peers"
  const { effect, install, ranges } = needsOf(project)
  const version = effectIn(project)
  const ofOther = project.packages.filter((one) => (effectOf(one) ?? effect) !== effect)
  const wrong = project.packages.flatMap(({ name, version }) => {
    const range = ranges[name]
    // The finding about `effect` says that it is of another major.
    if (range === undefined || (name === "effect" && !isMajor(version, effect))) return []
    const [from, below] = range
    return compareVersions(version, from) < 0
      ? [`${name} ${version} is older than ${from}`]
      : compareVersions(version, below) >= 0
      ? [`${name} ${version} is newer than this package was tested with (below ${below})`]
      : []
  })
  const lacksPlatform = effect === 3 && version !== undefined &&
    !project.packages.some(({ name }) => name === "@effect/platform")
  return firstOf(
    ok(id, "The other packages have versions that fit."),
    ofOther.length > 0
      ? error(
        id,
        `${
          ofOther.map((one) => `${one.name} ${one.version} is for Effect ${effectOf(one)}`).join("; ")
        }, and effect-slack-oauth here for Effect ${effect}.`,
        effect === 4
          ? "Remove what Effect 4 has itself (@effect/platform, @effect/sql), and install 4.x of the others."
          : "Install 0.x of these packages, or this package for Effect 4: effect-slack-oauth@1."
      )
      : undefined,
    wrong.length > 0 ? error(id, `${wrong.join("; ")}.`, `Install versions that fit: ${install}.`) : undefined,
    lacksPlatform ? error(id, "@effect/platform is not installed.", `Install it: ${install}.`) : undefined
  )
}

const own = (project: Project): Finding =>
  project.own === undefined
    ? warning(
      "package",
      "effect-slack-oauth is not installed here.",
      `Run this command in the folder of the app, or: ${needsOf(project).install}.`
    )
    : ok("package", `effect-slack-oauth ${project.own} is installed.`)

export const checkProject = (project: Project): ReadonlyArray<Finding> => [
  node(project),
  own(project),
  effect(project),
  peers(project)
]
