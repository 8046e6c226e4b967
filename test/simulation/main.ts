/**
 * `npm run simulate -- --lives 2000 --seed 1`: that many lives, each from its own seed, on all cores. Before them come the
 * lives of the ledger, which have failed once. Prints what it counted, and a life that breaks a promise as a timeline.
 *
 * - `--log`: prints the log of the life of `--seed`, and nothing else
 * - `--traces`: a file for what was done to each credential, which `model/replay.mjs` reads
 * - `--brief`: does not shorten the life that fails, and lives no other after it
 * - `--all`: also lives on after lives that fail, and does not look at them
 * - `--record`: the file of the long run, of which this run becomes a part; `--page`: the page that shows it; `--commit` and
 *   `--major`: the version of the code, and that of Effect
 * - `--workers`: on how many cores
 * - `--seconds`: begins no new life after that time
 *
 * After SIGINT or SIGTERM it begins no new life either, and the lives until then count.
 */
import { fork } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { parseArgs } from "node:util"
import * as Batches from "./batches.js"
import * as Judge from "./judge.js"
import { live, render } from "./life.js"
import * as LongRun from "./longRun.js"
import * as Plan from "./plan.js"
import { shrink } from "./shrink.js"

/** A life that has failed once: its seed then, and its plan, made short. */
interface Failed {
  readonly seed: number
  readonly rule: string
  readonly plan: Plan.Plan
}

/** What was found in some lives. */
interface Result {
  readonly cpuSeconds: number
  readonly counts: Judge.Counts
  /** Episodes for the model, each with a seed that has it. */
  readonly episodes: ReadonlyArray<readonly [text: string, seed: number]>
  readonly allEpisodes: number
  /** Episodes that the model has no room for. */
  readonly outside: number
  /** The seeds that failed. */
  readonly failed: ReadonlyArray<number>
}

const nothing: Result = {
  cpuSeconds: 0,
  counts: Judge.noCounts(),
  episodes: [],
  allEpisodes: 0,
  outside: 0,
  failed: []
}

const add = (a: Result, b: Result): Result => ({
  cpuSeconds: a.cpuSeconds + b.cpuSeconds,
  counts: Judge.add(a.counts, b.counts),
  episodes: a.episodes.concat(b.episodes),
  allEpisodes: a.allEpisodes + b.allEpisodes,
  outside: a.outside + b.outside,
  failed: a.failed.concat(b.failed)
})

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
    all: { type: "boolean", default: false },
    record: { type: "string" },
    page: { type: "string" },
    commit: { type: "string", default: "" },
    major: { type: "string", default: "" },
    worker: { type: "boolean", default: false }
  }
})
const [first, lives, workers, seconds] = [values.seed, values.lives, values.workers, values.seconds].map(Number) as [
  number,
  number,
  number,
  number
]

const print = (line: string) => void process.stdout.write(`${line}\n`)

// -------------------------------------------------------------------------------------
// a worker
// -------------------------------------------------------------------------------------

/** Lives each seed of a batch. */
const work = async ({ first, lives }: Batches.Batch): Promise<Result> => {
  const before = process.cpuUsage()
  let result = nothing
  for (let seed = first; seed < first + lives; seed++) {
    // A worker whose parent is gone ends, too.
    await new Promise((resolve) => setImmediate(resolve))
    if (!process.connected) break
    const life = live(Plan.make(seed), { isLogged: false, isTraced: values.traces !== undefined })
    const episodes = life.episodes.filter((episode) => episode !== undefined)
    result = add(result, {
      cpuSeconds: 0,
      counts: life.counts,
      episodes: episodes.map((episode) => [episode, seed]),
      allEpisodes: life.episodes.length,
      outside: life.episodes.length - episodes.length,
      failed: life.violation === undefined ? [] : [seed]
    })
  }
  const { system, user } = process.cpuUsage(before)
  return { ...result, cpuSeconds: (system + user) / 1e6 }
}

/** Starts a worker, and gives it batches until there are no more. */
const employ = (next: Batches.Batches["next"], done: (result: Result) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = fork(process.argv[1]!, [...process.argv.slice(2), "--worker"])
    let isIdle = false
    const assign = () => {
      const batch = next()
      isIdle = batch === undefined
      if (batch === undefined) child.disconnect()
      else child.send(batch)
    }
    child.on("message", (result) => {
      done(result as Result)
      assign()
    })
    child.on("exit", (code) => isIdle ? resolve() : reject(new Error(`A worker ended with ${code}`)))
    assign()
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

/** So many lives are a batch, and so many failed ones are enough. */
const [batchSize, enough] = values.brief ? [1, 1] : [10, values.all ? Infinity : 5]

/** Lives the seeds, on all workers. */
const liveAll = async (): Promise<readonly [Result, Batches.Batch]> => {
  const until = performance.now() + seconds * 1000
  let result = nothing
  const batches = Batches.make({
    first,
    lives,
    size: batchSize,
    isOver: () => performance.now() >= until || result.failed.length >= enough
  })
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, batches.end)
  await Promise.all(Array.from({ length: workers }, () =>
    employ(batches.next, (found) => {
      result = add(result, found)
    })))
  return [result, batches.given()]
}

/** Replaces what is between the marks of the long run. */
const showOn = (page: string, lines: ReadonlyArray<string>): void => {
  const [begin, end] = ["<!-- long run -->\n", "<!-- end of long run -->"]
  const text = readFileSync(page, "utf8")
  const [before, after] = [text.indexOf(begin), text.indexOf(end)]
  if (before < 0 || after < before) throw new Error(`${page} has no marks of a long run`)
  writeFileSync(page, `${text.slice(0, before + begin.length)}${lines.join("\n")}\n${text.slice(after)}`)
}

const recorded = (): ReadonlyArray<LongRun.Part> =>
  values.record === undefined ? [] : JSON.parse(readFileSync(values.record, "utf8")) as ReadonlyArray<LongRun.Part>

/** Adds a part to the long run. */
const record = (part: LongRun.Part): void => {
  if (values.record === undefined || values.page === undefined || part.lives === 0) return
  const parts = LongRun.add(recorded(), part)
  writeFileSync(values.record, `${JSON.stringify(parts, null, 2)}\n`)
  showOn(values.page, LongRun.render(parts))
  print(`The long run has the seeds ${LongRun.seedsOf(part)} from now on`)
}

const run = async (): Promise<boolean> => {
  const refusal = LongRun.refusal(recorded(), { first, lives })
  if (refusal !== undefined) {
    print(refusal)
    return false
  }
  if (!runLedger()) return false
  const startedAt = performance.now()
  const [result, lived] = await liveAll()
  const took = LongRun.number(Math.round((performance.now() - startedAt) / 1000))
  const cores = `${workers} ${workers === 1 ? "core" : "cores"}`
  print(`${LongRun.number(lived.lives)} lives, of the seeds ${LongRun.seedsOf(lived)}, in ${took} s on ${cores}:\n`)
  LongRun.tableOf(result.counts).forEach(print)
  if (values.traces !== undefined) {
    writeFileSync(
      values.traces,
      JSON.stringify({
        all: result.allEpisodes,
        outside: result.outside,
        // The first seed of each counts.
        episodes: Object.fromEntries(Array.from(result.episodes).sort(([, a], [, b]) => b - a))
      })
    )
  }
  const failed = Array.from(result.failed).sort((a, b) => a - b)
  if (failed.length > 0) {
    print(`Seeds that break a promise: ${failed.join(", ")}`)
    if (!values.all) report(Plan.make(failed[0]!), failed[0]!)
    return false
  }
  record({
    ...lived,
    cpuSeconds: Math.round(result.cpuSeconds),
    effect: Number(values.major),
    commit: values.commit,
    counts: result.counts
  })
  return true
}

if (values.worker) {
  // Ctrl-C reaches workers too. They end when there are no more batches.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {})
  process.on(
    "message",
    (batch) => void work(batch as Batches.Batch).then((result) => process.connected && process.send!(result))
  )
} else if (values.log) {
  process.stdout.write(render(live(Plan.make(first)).log))
} else {
  process.exitCode = await run() ? 0 : 1
}
