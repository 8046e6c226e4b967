/**
 * The map of the modules. Which box has an arrow to which follows from the imports of the source: a module uses another one
 * if it imports it, or a private module between them does. Where the boxes are is written here.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { posix } from "node:path"
import { fileURLToPath } from "node:url"
import { draw, line, rect, text } from "./svg.js"

const source = fileURLToPath(new URL("../../src/", import.meta.url))

// -------------------------------------------------------------------------------------
// imports
// -------------------------------------------------------------------------------------

/** The modules that a module imports, as paths in src without an ending. */
const importsOf = (module: string): ReadonlyArray<string> =>
  Array.from(
    readFileSync(`${source}${module}.ts`, "utf8").matchAll(/^(?:import|export)\b[^"]*? from "(\.[^"]+)\.js"/gm),
    ([, path = ""]) => posix.join(posix.dirname(module), path)
  ).filter((module) => existsSync(`${source}${module}.ts`))

const isPrivate = (module: string): boolean => module.startsWith("internal/")

/** The public modules that a module uses. */
const usesOf = (module: string): ReadonlySet<string> => {
  const uses = new Set<string>()
  const seen = new Set([module])
  const visit = (module: string): void => {
    for (const imported of importsOf(module)) {
      if (seen.has(imported)) continue
      seen.add(imported)
      if (isPrivate(imported)) visit(imported)
      else uses.add(imported)
    }
  }
  visit(module)
  return uses
}

// -------------------------------------------------------------------------------------
// boxes
// -------------------------------------------------------------------------------------

interface Box {
  readonly modules: ReadonlyArray<string>
  readonly about?: string
  readonly x: number
  readonly y: number
  readonly width: number
}

const height = 78
const row = (index: number): number => 96 + index * 122

const boxes: ReadonlyArray<Box> = [
  { modules: ["SlackOAuth"], about: "a whole app in one layer", x: 20, y: row(0), width: 860 },
  { modules: ["InstallFlow", "InstallRouter", "InstallError"], x: 20, y: row(1), width: 260 },
  { modules: ["TokenManager", "TokenSweep", "TokenMigration"], x: 320, y: row(1), width: 260 },
  { modules: ["Lifecycle", "SlackRequest"], x: 620, y: row(1), width: 260 },
  { modules: ["PendingInstall", "sql/SqlPendingInstallStore"], x: 20, y: row(2), width: 260 },
  { modules: ["OAuthV2", "RetryPolicy", "Telemetry"], x: 320, y: row(2), width: 260 },
  {
    modules: ["InstallationStore", "InstallationImport", "KeyValueInstallationStore", "sql/SqlInstallationStore"],
    x: 620,
    y: row(2),
    width: 260
  },
  {
    modules: [
      "SlackApp",
      "Installation",
      "TokenResponse",
      "OAuthV2Error",
      "TokenCipher",
      "AuthorizeUrl",
      "Pkce",
      "AppManifest"
    ],
    x: 20,
    y: row(3),
    width: 860
  }
]

/** What everything above it may use. Arrows to it would say nothing. */
const foundation = boxes[boxes.length - 1] as Box

/** The command, and modules for databases and tests, are not part of this picture. */
const elsewhere = /^(index|sql\/(Migrations|Libsql|SqlImport)|testing\/.*)$/

const shown = boxes.flatMap(({ modules }) => modules)
const all = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"))
  .map((file) => file.replaceAll("\\", "/").slice(0, -".ts".length))
const missing = all.filter((module) => !isPrivate(module) && !elsewhere.test(module) && !shown.includes(module))
if (missing.length > 0) throw new Error(`Put ${missing.join(", ")} into a box of scripts/pictures/modules.ts`)

// -------------------------------------------------------------------------------------
// arrows
// -------------------------------------------------------------------------------------

const boxOf = (module: string): Box | undefined => boxes.find(({ modules }) => modules.includes(module))

const targets = new Map(boxes.map((box) => [
  box,
  new Set(
    box.modules.flatMap((module) => Array.from(usesOf(module), boxOf))
      .filter((target): target is Box => target !== undefined && target !== box && target !== foundation)
  )
]))

const reaches = (from: Box, to: Box, seen: ReadonlySet<Box> = new Set()): boolean =>
  Array.from(targets.get(from) ?? []).some((next) =>
    next === to || (!seen.has(next) && reaches(next, to, new Set([...seen, next])))
  )

/** Without the arrows that others imply. */
const arrows = boxes.flatMap((from) =>
  Array.from(targets.get(from) ?? [])
    .filter((to) => !Array.from(targets.get(from) ?? []).some((between) => between !== to && reaches(between, to)))
    .map((to) => ({ from, to }))
)

const middle = ({ width, x }: Box): number => x + width / 2

/** From a place on the lower edge of one box to a place on the upper edge of another, or across between neighbours. */
const drawArrow = ({ from, to }: { readonly from: Box; readonly to: Box }): string => {
  if (from.y === to.y) {
    const y = from.y + height / 2
    return from.x < to.x
      ? line([[from.x + from.width, y], [to.x - 2, y]], true)
      : line([[from.x, y], [to.x + to.width + 2, y]], true)
  }
  // Arrows from one box to several begin apart, and arrows from several boxes to one end apart.
  const shift = Math.sign(middle(to) - middle(from)) * 70
  const wide = from.width > 400
  return line([
    [wide ? middle(to) : middle(from) + shift, from.y + height],
    [wide ? middle(to) : middle(to) - shift, to.y - 2]
  ], true)
}

const drawBox = (box: Box): ReadonlyArray<string> => {
  const [name = "", ...others] = box === foundation
    ? ["", ...box.modules]
    : [...box.modules, ...box.about === undefined ? [] : [box.about]]
  const widest = box.width / 7.5
  const lines = others.reduce<ReadonlyArray<string>>((lines, word) => {
    const last = lines.at(-1) ?? ""
    if (last === "") return [word]
    return last.length + word.length + 2 <= widest
      ? [...lines.slice(0, -1), `${last}, ${word}`]
      : [...lines.slice(0, -1), `${last},`, word]
  }, [])
  const first = box.y + (height - lines.length * 16) / 2 + (name === "" ? 12 : 4)
  return [
    rect(box.x, box.y, box.width, height, "box", 6),
    ...(name === "" ? [] : [text(middle(box), first, name, "middle strong")]),
    ...lines.map((words, index) =>
      text(middle(box), first + (name === "" ? 0 : 18) + index * 16, words, "middle small")
    )
  ]
}

const outside = [
  { name: "a browser", x: 20, above: 1 },
  { name: "your program", x: 320, above: 2 },
  { name: "Slack's events", x: 620, above: 3 }
]

const named = (box: Box): string => box.modules[0] ?? ""

export const modulesPicture = draw({
  width: 900,
  height: row(3) + height + 40,
  title: "How the modules of effect-slack-oauth depend on each other",
  description: `SlackOAuth is a whole app, and is called by browsers, by your program and for Slack's events. ${
    boxes.filter((box) => (targets.get(box)?.size ?? 0) > 0).map((box) =>
      `${named(box)} uses ${arrows.filter(({ from }) => from === box).map(({ to }) => named(to)).join(", ")}.`
    ).join(" ")
  } All of them use ${foundation.modules.join(", ")}.`,
  body: [
    ...outside.flatMap(({ name, x }) => [
      rect(x, 16, 260, 40, "outside", 6),
      text(x + 130, 41, name, "middle"),
      line([[x + 130, 56], [x + 130, row(0) - 2]], true)
    ]),
    ...boxes.flatMap(drawBox),
    ...arrows.map(drawArrow),
    text(
      880,
      row(3) + height + 26,
      "an arrow leads from a module to one that it uses; everything uses the box at the bottom",
      "end small"
    )
  ]
})
