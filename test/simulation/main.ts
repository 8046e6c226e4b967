/**
 * `npm run simulate -- --lives 2000 --seed 1`: that many lives, each from its own seed, on all cores. Before them come the
 * lives of the ledger, which have failed once. Prints what it counted, and a life that breaks a promise as a timeline.
 *
 * - `--log`: prints the log of the life of `--seed`, and nothing else
 * - `--traces`: a file for what was done to each credential, which `model/replay.mjs` reads
 * - `--brief`: does not shorten the life that fails
 * - `--workers`: on how many cores
 * - `--seconds`: begins no new life after that time
 */
import { fork } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import * as Judge from "./judge.js"
import { live, render } from "./life.js"
import * as Plan from "./plan.js"
import { shrink } from "./shrink.js"

/** A life that has failed once: its seed then, and its plan, made short. */
interface Failed {
  readonly seed: number
  readonly rule: string
  readonly plan: Plan.Plan
}

/** What a worker has found. */
interface Result {
  readonly lives: number
  readonly counts: Judge.Counts
  /** Episodes for the model, each with a seed that has it. */
  readonly episodes: ReadonlyArray<readonly [text: string, seed: number]>
  readonly allEpisodes: number
  /** Episodes that the model has no room for. */
  readonly outside: number
  /** The first seeds that failed. */
  readonly failed: ReadonlyArray<number>
}

const { values } = parseArgs({
  options: {
    lives: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: String(cpus().length) },
    seconds: { type: "string", default: "Infinity" },
    ledger: { type: "string" },
    traces: { type: "string" },
    log: { type: "boolean", default: false },
    brief: { type: "boolean", default: false },
    part: { type: "string" }
  }
})
const [first, lives, workers, seconds] = [values.seed, values.lives, values.workers, values.seconds].map(Number) as [
  number,
  number,
  number,
  number
]

const print = (line: string) => void process.stdout.write(`${line}\n`)
const number = (value: number) => value.toLocaleString("en")

// -------------------------------------------------------------------------------------
// a worker
// -------------------------------------------------------------------------------------

/** A worker that has seen so many lives fail stops. */
const mostFailed = values.brief ? 1 : 5

/** Lives each seed of this worker. */
const work = async (part: number): Promise<Result> => {
  const until = performance.now() + seconds * 1000
  let counts = Judge.noCounts()
  let lived = 0
  const failed: Array<number> = []
  let allEpisodes = 0
  let outside = 0
  const episodes = new Map<string, number>()
  for (let index = part; index < lives && performance.now() < until; index += workers) {
    // A worker whose parent is gone ends, too.
    await new Promise((resolve) => setImmediate(resolve))
    if (!process.connected) break
    const life = live(Plan.make(first + index))
    lived++
    counts = Judge.add(counts, life.counts)
    allEpisodes += life.episodes.length
    for (const episode of life.episodes) {
      if (episode === undefined) outside++
      else if (!episodes.has(episode)) episodes.set(episode, first + index)
    }
    if (life.violation !== undefined) failed.push(first + index)
    if (failed.length === mostFailed) break
  }
  return { lives: lived, counts, failed, allEpisodes, outside, episodes: Array.from(episodes) }
}

const startWorker = (part: number): Promise<Result> =>
  new Promise((resolve, reject) => {
    const child = fork(process.argv[1]!, [...process.argv.slice(2), "--part", String(part)])
    let result: Result | undefined
    child.on("message", (message) => {
      result = message as Result
    })
    child.on(
      "exit",
      (code) => result === undefined ? reject(new Error(`A worker ended with ${code}`)) : resolve(result)
    )
  })

// -------------------------------------------------------------------------------------
// the whole run
// -------------------------------------------------------------------------------------

const report = (failure: Plan.Plan, seed: number): void => {
  const { life, plan } = shrink(failure, values.brief ? 0 : 400)
  print(`\nThe life of seed ${seed} breaks a promise: ${life.violation?.rule}`)
  print(`  ${life.violation?.detail}`)
  if (values.brief) return
  print("The shortest life that does:\n")
  print(render(life.log))
  print(JSON.stringify(plan, null, 2))
  if (values.ledger === undefined || process.env.CI !== undefined) return
  const ledger = JSON.parse(readFileSync(values.ledger, "utf8")) as Array<Failed>
  if (ledger.some((entry) => entry.seed === seed)) return
  ledger.push({ seed, rule: life.violation!.rule, plan })
  writeFileSync(values.ledger, `${JSON.stringify(ledger, null, 2)}\n`)
  print(`It is in ${values.ledger} from now on.`)
}

/** Lives what has failed before. */
const runLedger = (): boolean => {
  if (values.ledger === undefined) return true
  const ledger = JSON.parse(readFileSync(values.ledger, "utf8")) as ReadonlyArray<Failed>
  for (const { plan, seed } of ledger) {
    for (const again of [plan, Plan.make(seed)]) {
      if (live(again).violation === undefined) continue
      report(again, seed)
      return false
    }
  }
  print(`Lives that have failed once: ${ledger.length}. None of them fails.`)
  return true
}

const run = async (): Promise<boolean> => {
  if (!runLedger()) return false
  const startedAt = performance.now()
  const results = await Promise.all(Array.from({ length: workers }, (_, part) => startWorker(part)))
  const counts = results.map(({ counts }) => counts).reduce(Judge.add)
  const lived = results.reduce((sum, { lives }) => sum + lives, 0)
  const years = counts.installationMillis / Plan.day / 365
  const took = (performance.now() - startedAt) / 1000
  print(`${number(lived)} lives from seed ${first} on, in ${took.toFixed(1)} s`)
  print(`  ${years.toFixed(1)} years of installations, ${number(counts.refreshes)} refreshes`)
  print(`  ${number(counts.served)} callers with a token, ${number(counts.unavailable)} without`)
  print(`  ${number(counts.deaths)} processes that died, ${number(counts.freezes)} that froze`)
  print(
    `  ${number(counts.naps)} that froze in the instant before they sent, ${
      number(counts.servedEnded)
    } tokens served that Slack had ended`
  )
  print("Chains lost inside the windows that docs/token-rotation.md admits:")
  for (const [window, sentence] of Object.entries(Judge.windows)) {
    print(`  ${number(counts.losses[window] ?? 0)}: ${sentence}`)
  }
  print(`Chains lost outside: ${number(counts.outside)}`)
  if (values.traces !== undefined) {
    const sum = (of: (result: Result) => number) => results.map(of).reduce((a, b) => a + b, 0)
    writeFileSync(
      values.traces,
      JSON.stringify({
        all: sum(({ allEpisodes }) => allEpisodes),
        outside: sum(({ outside }) => outside),
        episodes: Object.fromEntries(results.flatMap(({ episodes }) => episodes))
      })
    )
  }
  const failed = results.flatMap(({ failed }) => failed).sort((a, b) => a - b)
  if (failed.length === 0) return true
  print(`Seeds that break a promise: ${failed.join(", ")}`)
  report(Plan.make(failed[0]!), failed[0]!)
  return false
}

if (values.part !== undefined) {
  const result = await work(Number(values.part))
  if (process.connected) process.send!(result, () => process.disconnect())
} else if (values.log) {
  process.stdout.write(render(live(Plan.make(first)).log))
} else {
  process.exitCode = await run() ? 0 : 1
}
