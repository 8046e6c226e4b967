// Replays what the code did in the simulation against the model: `npm run simulate -- --replay`. Spin searches a way
// through the model whose steps are those of the trace. If there is none, code and model have become different.
import { spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const work = join(here, "..", ".tmp", "replay")
const source = readFileSync(join(here, "refresh.pml"), "utf8")

/** The names of the steps, by their numbers. */
const names = new Map(
  Array.from(
    source.slice(source.indexOf("/* -- traces"), source.indexOf("#ifdef TRACE")).matchAll(/^#define (\w+) +(\d+)$/gm),
    ([, name, number]) => [Number(number), name.toLowerCase().replaceAll("_", " ")]
  )
)

/** How many of the different traces are replayed, the shortest ones. */
const mostReplayed = 1500

/** The model with room for everything that a trace can have. */
const bounds = {
  PROCESSES: 4,
  TOKENS: 31,
  LOSSES: 255,
  REJECTIONS: 255,
  DEATHS: 255,
  FAILURES: 255,
  SLEEP: 2,
  CHECK: 99
}

const run = (command, args, options) => {
  const { error, status, stderr, stdout } = spawnSync(command, args, { cwd: work, encoding: "utf8", ...options })
  if (error !== undefined) throw new Error(`${command} did not start: ${error.message}. Install spin and gcc`)
  return { status, text: `${stdout}${stderr}` }
}

const build = () => {
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { recursive: true })
  copyFileSync(join(here, "refresh.pml"), join(work, "refresh.pml"))
  const flags = Object.entries(bounds).map(([name, value]) => `-D${name}=${value}`)
  const spin = run("spin", ["-a", "-DTRACE", ...flags, "refresh.pml"])
  if (spin.status !== 0) throw new Error(`spin does not take the model:\n${spin.text}`)
  const gcc = run("gcc", ["-w", "-DSAFETY", "-DMEMLIM=2000", "-O2", "-o", "pan", "pan.c"])
  if (gcc.status !== 0) throw new Error(`gcc does not take what spin made:\n${gcc.text}`)
}

/** How many steps of a trace the model can take; all of them if it accepts the trace. */
const accepted = (trace) => {
  writeFileSync(join(work, "trace"), trace)
  const { text } = run("./pan", ["-m20000", "-w14"], { env: { ...process.env, TRACE: "trace" } })
  const length = trace.split("\n").length - 1
  if (/assertion violated/.test(text)) return length
  const seen = /steps of the trace: (\d+)/.exec(text)
  if (seen === null || !/errors: 0/.test(text)) throw new Error(`The search did not end as it should:\n${text}`)
  return Number(seen[1])
}

const describe = (line) => {
  const [who, what, about] = line.split(" ").map(Number)
  const name = names.get(what)
  const subject = who === 0 ? "the world" : `process ${who}`
  return `${subject}: ${name}${about === 0 ? "" : ` (${/read/.test(name) ? "generation" : "pair"} ${about})`}`
}

/** Replays the traces of a file. Prints one that the model does not accept. */
export const replay = (file) => {
  const startedAt = performance.now()
  build()
  const { all, episodes, outside } = JSON.parse(readFileSync(file, "utf8"))
  const different = Object.entries(episodes).sort(([a], [b]) => a.length - b.length)
  const traces = different.slice(0, mostReplayed)
  let refused = 0
  for (const [trace, seed] of traces) {
    const seen = accepted(trace)
    const lines = trace.trimEnd().split("\n")
    if (seen === lines.length) continue
    refused++
    if (refused > 1) continue
    console.log(`\nThe model does not know this, which the code did in the life of seed ${seed}:\n`)
    lines.forEach((line, index) => console.log(`${index === seen ? "->" : "  "} ${describe(line)}`))
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(
    `${all.toLocaleString("en")} episodes of a credential, ${
      outside.toLocaleString("en")
    } of them outside the model. ` +
      `Of the ${traces.length.toLocaleString("en")} shortest of ${
        different.length.toLocaleString("en")
      } different ones, ` +
      `the model does not accept ${refused} (${seconds} s)`
  )
  return refused === 0 && traces.length > 0
}
