// Checks the model of the refresh (`refresh.pml`) with Spin: every promise, every state that has to be reachable, and
// every mutant, on all cores. Exits with 1 if anything differs from what is expected. `--write` writes the traces and the
// tables.
import { spawn } from "node:child_process"
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const work = join(here, "..", ".tmp", "model")
const isWriting = process.argv.includes("--write")
const memoryLimit = 4000 // megabytes
const fewestStates = 1e7
const noPromise = 99 // the number of no promise: a limit is a state, whatever is promised

/** What docs/token-rotation.md promises, by its number in the model, and the bounds in which it is searched for. */
const promises = [
  {
    name: "NO_LOSS",
    sentence: "A pair is at Slack, in a process or in the store: only a lost answer or a death can lose a chain",
    bounds: { TOKENS: 4, SLEEP: 2, LOSSES: 1, DEATHS: 1, FAILURES: 1 }
  },
  {
    name: "NO_LOSS",
    sentence: "While the grace period lasts, only a process that sleeps or cannot store its pair can lose a chain",
    bounds: { TOKENS: 4, GRACE: 2, SLEEP: 1, LOSSES: 2, FAILURES: 1 }
  },
  {
    name: "NO_LOSS",
    sentence: "While the grace period lasts, the store answers and no process sleeps, no chain is lost",
    bounds: { PROCESSES: 3, TOKENS: 5, GRACE: 2, LOSSES: 2, DEATHS: 2 }
  },
  {
    name: "ONE_AT_A_TIME",
    sentence: "One refresh for a credential at a time: whoever sends has the lease",
    bounds: { PROCESSES: 3, TOKENS: 3, SLEEP: 1, LOSSES: 1 }
  },
  {
    name: "DUE",
    sentence: "Those who wait get what it brought: nothing is sent that is not due",
    bounds: { TOKENS: 4, SLEEP: 1, LOSSES: 1, REJECTIONS: 1 }
  },
  {
    name: "NOT_REPLACED",
    sentence: "Who wakes up looks first: a token is not sent once its successor is stored",
    bounds: { TOKENS: 4, SLEEP: 1, LOSSES: 1, FAILURES: 1 }
  },
  {
    name: "STILL_STORED",
    sentence: "Before a refresh token is sent again, the credential is read: its generation is the one that was sent",
    bounds: { TOKENS: 3, SLEEP: 1, LOSSES: 1, REJECTIONS: 1, INSTALLS: 1 }
  },
  {
    name: "ONCE_MORE",
    sentence: "A refresh token whose answer was lost is sent once more",
    bounds: { TOKENS: 3, SLEEP: 1, LOSSES: 3, REJECTIONS: 1 }
  },
  {
    name: "PACED",
    sentence: "A refresh left in doubt leaves its lease to run out: one try in each lease time",
    bounds: { TOKENS: 3, SLEEP: 1, LOSSES: 2, REJECTIONS: 1, DEATHS: 1 }
  },
  {
    name: "SAME_SENT",
    sentence: "`invalid_refresh_token` is believed only if the generation that was sent still is the stored one",
    bounds: { TOKENS: 3, SLEEP: 2, LOSSES: 1, INSTALLS: 1 }
  },
  {
    name: "REALLY_DEAD",
    sentence: "A failure that may pass never marks a credential dead",
    bounds: { TOKENS: 3, SLEEP: 2, LOSSES: 2, REJECTIONS: 1, FAILURES: 1 }
  },
  {
    name: "NOT_DELETED",
    sentence: "Nothing is ever deleted",
    bounds: { TOKENS: 3, SLEEP: 1, LOSSES: 1, DEATHS: 1, FAILURES: 1 }
  },
  {
    name: "STAYS_REMOVED",
    sentence: "After an uninstall only an install brings the credential back",
    bounds: { TOKENS: 4, SLEEP: 1, LOSSES: 1, INSTALLS: 1, ENDS: 1 }
  },
  {
    name: "OLD_WORKS",
    sentence: "A refresh does not end the token before it",
    bounds: { PROCESSES: 3, TOKENS: 5, CACHE: 1, REJECTIONS: 1 }
  },
  {
    name: "ALL",
    sentence: "All of these, with three processes",
    bounds: { PROCESSES: 3, TOKENS: 3, SLEEP: 1, LOSSES: 1, FAILURES: 1 }
  },
  {
    name: "ALL",
    sentence: "All of these, with four processes",
    bounds: { PROCESSES: 4, TOKENS: 2, SLEEP: 1, DEATHS: 1 }
  }
]

const numbers = Object.fromEntries(
  [...readFileSync(join(here, "refresh.pml"), "utf8").matchAll(/^#define ([A-Z_]+) +(\d+)$/gm)].map((
    m
  ) => [m[1], Number(m[2])])
)
const promiseNames = new Map(
  promises.flatMap(({ name }) => name === "ALL" ? [] : [[numbers[name], name]])
)

/** What docs/token-rotation.md does not promise: states that have to be reachable. */
const limits = [
  {
    name: "answer-lost-twice",
    sentence: "An answer is lost twice, and the grace period ends: the chain is lost",
    bounds: { SHOW: 1, LOSSES: 2 }
  },
  {
    name: "no-grace-period",
    sentence: "Without a grace period one lost answer is enough",
    bounds: { SHOW: 2, LOSSES: 1, GRACE: 0 }
  },
  {
    name: "death-before-the-commit",
    sentence: "A process dies between Slack's answer and the commit, and the grace period ends",
    bounds: { SHOW: 3, DEATHS: 1 }
  },
  {
    name: "asleep-before-sending",
    sentence: "A holder falls asleep in the instant after its look at the clock, and sends without a lease",
    bounds: { SHOW: 4, SLEEP: 2 }
  },
  {
    name: "asleep-with-a-pair",
    sentence: "A holder sleeps with a pair, and the answers to two others are lost: Slack has ended that pair",
    bounds: { SHOW: 5, GRACE: 2, SLEEP: 1, LOSSES: 2, TOKENS: 5 }
  },
  {
    name: "unsaved-pair",
    sentence: "A process cannot store its pair, and the answers to another are lost twice: Slack has ended that pair",
    bounds: { SHOW: 10, GRACE: 2, FAILURES: 1, LOSSES: 2, TOKENS: 4 }
  },
  {
    name: "old-token-in-the-cache",
    sentence: "Another process serves its old token after a refresh",
    bounds: { SHOW: 6, CACHE: 1 }
  },
  {
    name: "revoked",
    sentence: "Slack revokes a token, and a process still serves it",
    bounds: { SHOW: 7, CACHE: 1, ENDS: 1 }
  },
  {
    name: "old-token-ends",
    sentence:
      "A refresh token that is sent again brings a third token, and Slack ends the oldest, which is still served",
    bounds: { SHOW: 8, CACHE: 1, LOSSES: 1 }
  },
  {
    name: "install-saved-late",
    sentence: "An install is stored after two refreshes that followed it: Slack has ended the pair of the install",
    bounds: { SHOW: 9, GRACE: 2, INSTALLS: 1, LOSSES: 1 }
  }
]

/** The model without one of its rules, in bounds in which some promise breaks. */
const mutants = [
  ["NO_LEASE", "`Lease`: one process at a time", { SLEEP: 1 }],
  ["NO_SECOND_LOOK", "`rotateUnderLease`: a second look, under the lease", { SLEEP: 1 }],
  ["NO_LOOK_AFTER_RENAMING", "`rotateUnderLease`: a look after each lease, also one for another generation", {
    SLEEP: 1
  }],
  ["NO_CLOCK_BEFORE_SENDING", "`rotateUnderLease`: after a third of the lease nothing is sent", { SLEEP: 1 }],
  ["NO_LOOK_BEFORE_REPEATING", "`send`: a look before a call that Slack rejected is repeated", {
    REJECTIONS: 1,
    INSTALLS: 1
  }],
  ["NO_CLOCK_BEFORE_REPEATING", "`send`: a look at the clock after that", { SLEEP: 1, REJECTIONS: 1 }],
  ["RESEND_WITHOUT_LEASE", "`resend`: only under a renewed lease", { SLEEP: 1, LOSSES: 1 }],
  ["NO_LOOK_BEFORE_RESEND", "`resend`: only after another look", { SLEEP: 1, LOSSES: 1 }],
  ["NO_CLOCK_BEFORE_RESEND", "`resend`: only if there is time for a call", { SLEEP: 1, LOSSES: 1 }],
  ["RESEND_FOREVER", "`resend`: once more, and not again", { LOSSES: 2 }],
  ["LOST_IS_DEAD", "`isDeath`: a lost answer is no refusal", { LOSSES: 1 }],
  ["GIVE_BACK_IN_DOUBT", "`givingBack`: a lease in doubt runs out by itself", { LOSSES: 2 }],
  ["GIVE_BACK_AFTER_REJECTION", "`resend`: a rejection does not settle an earlier sending", {
    LOSSES: 1,
    REJECTIONS: 1
  }],
  ["INTERRUPTIBLE_COMMIT", "`send`: nothing interrupts from the call to the commit", {}],
  ["COMMIT_WITHOUT_LEASE", "`underLease`: the commit is under a lease", { SLEEP: 1 }],
  ["COMMIT_WITHOUT_COMPARING", "`save`: by compare-and-set from the generation that was sent", { SLEEP: 1 }],
  ["SAVE_IGNORES_DEAD", "`save`: a new token overrides a mark that the chain is dead", { SLEEP: 1 }],
  ["DROP_UNSAVED", "`UnsavedTokens`: what the store did not take is kept", { FAILURES: 1 }],
  ["BELIEVE_DEATH", "`markDead`: only if the generation that was sent is stored", { SLEEP: 1 }],
  ["DEATH_DELETES", "`markDead`: nothing is deleted", { SLEEP: 1 }]
]

// -------------------------------------------------------------------------------------
// running Spin
// -------------------------------------------------------------------------------------

/** Runs a program in a folder. */
const run = (folder, command, args) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: folder })
    let text = ""
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (part) => (text += part))
    child.on("error", ({ message }) => reject(new Error(`${command} did not start: ${message}. Install spin and gcc`)))
    child.on("close", (status) => resolve({ status, text }))
  })

let free = availableParallelism()
const waiting = []

/** Does something when a core is free. What came first begins first. */
const onFreeCore = async (work) => {
  if (free > 0) free--
  else await new Promise((resolve) => waiting.push(resolve))
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next === undefined) free++
    else next()
  }
}

const toFlags = (bounds) =>
  Object.entries(bounds).map(([name, value]) => `-D${name}${value === true ? "" : `=${value}`}`)

let searches = 0

/** Searches the model. With `shortest`, breadth first, so that the trace is as short as it can be. */
const search = async (bounds, shortest) => {
  const folder = join(work, String(searches++))
  mkdirSync(folder, { recursive: true })
  copyFileSync(join(here, "refresh.pml"), join(folder, "refresh.pml"))
  const spin = await run(folder, "spin", ["-a", ...toFlags(bounds), "refresh.pml"])
  if (spin.status !== 0) throw new Error(`spin does not take the model:\n${spin.text}`)
  const options = ["-DSAFETY", `-DMEMLIM=${memoryLimit}`, ...(shortest ? ["-O0", "-DBFS"] : ["-O2"])]
  const gcc = await run(folder, "gcc", ["-w", ...options, "-o", "pan", "pan.c"])
  if (gcc.status !== 0) throw new Error(`gcc does not take what spin made:\n${gcc.text}`)
  const startedAt = Date.now()
  const { text } = await run(folder, "./pan", ["-m1000000", "-w22"])
  const number = (pattern) => Number(text.match(pattern)?.[1] ?? NaN)
  const result = {
    states: number(/([\d.e+]+) states, stored/),
    depth: number(/depth reached (\d+)/),
    seconds: (Date.now() - startedAt) / 1000,
    isComplete: /errors: 0/.test(text) && !/out of memory|max search depth too small|Search not completed/.test(text),
    broken: /assertion violated/.test(text) ? Number(text.match(/\((\d+)!=(\d+)\)&&\(\1!=0\)/)?.[2] ?? 0) : undefined,
    trace: await trace(folder, bounds)
  }
  if (Number.isNaN(result.states)) throw new Error(`The search did not end as it should:\n${text}`)
  return result
}

/** The steps to the state that a search has found. */
const trace = async (folder, bounds) => {
  if (!existsSync(join(folder, "refresh.pml.trail"))) return ""
  const { text } = await run(folder, "spin", ["-t", "-B", "-T", ...toFlags(bounds), "refresh.pml"])
  return text.split("\n").filter((line) => /^ *(process \d|Slack|the|an) /.test(line)).map((line) => `${line.trim()}\n`)
    .join("")
}

// -------------------------------------------------------------------------------------
// what is expected
// -------------------------------------------------------------------------------------

let failures = 0
const print = (line) => process.stdout.write(`${line}\n`)
const expect = (isRight, problem) => {
  if (isRight) return
  failures++
  print(`  WRONG: ${problem}`)
}

/** The file has this text; with `--write`, it gets it. */
const expectText = (file, text) => {
  if (isWriting) writeFileSync(file, text)
  expect(
    existsSync(file) && readFileSync(file, "utf8") === text,
    `${file} is out of date. Run npm run model -- --write`
  )
}

const startedAt = Date.now()
rmSync(work, { recursive: true, force: true })
const start = (bounds, shortest) => onFreeCore(() => search(bounds, shortest))
const ofPromises = promises.map(({ bounds, name }) => start({ ...bounds, CHECK: numbers[name] ?? 0 }, false))
const ofLimits = limits.map(({ bounds }) => start({ ...bounds, CHECK: noPromise }, true))
const ofMutants = mutants.map(([name, , bounds]) => start({ ...bounds, [`MUTANT_${name}`]: true }, true))

print("What is promised")
let total = 0
for (const [index, { name, sentence }] of promises.entries()) {
  const { broken, depth, isComplete, seconds, states, trace } = await ofPromises[index]
  total += states
  print(`  ${name}: ${states.toLocaleString("en")} states, depth ${depth}, ${seconds.toFixed(1)} s. ${sentence}`)
  expect(isComplete, broken === undefined ? "the search was not complete" : `${promiseNames.get(broken)} does not hold`)
  if (broken !== undefined) print(trace)
}
print(`  ${total.toLocaleString("en")} states in all`)
expect(total >= fewestStates, `fewer than ${fewestStates.toLocaleString("en")} states`)

print("What is not promised")
mkdirSync(join(here, "traces"), { recursive: true })
for (const [index, { name, sentence }] of limits.entries()) {
  const { broken, states, trace } = await ofLimits[index]
  print(
    `  ${name}: ${broken === undefined ? "NOT FOUND" : "FOUND"} (${states.toLocaleString("en")} states). ${sentence}`
  )
  expect(broken !== undefined, "this state is not reachable any more")
  if (broken !== undefined) {
    expectText(join(here, "traces", `${name}.txt`), `${sentence}.\n\n${trace}`)
  }
}

print("Mutants")
const rows = []
for (const [index, [name, rule]] of mutants.entries()) {
  const { broken, seconds, states } = await ofMutants[index]
  const by = broken === undefined ? "nothing" : promiseNames.get(broken)
  print(`  ${name}: found by ${by} (${states.toLocaleString("en")} states, ${seconds.toFixed(1)} s)`)
  expect(broken !== undefined, "no promise breaks without this rule")
  rows.push(`| \`${name}\` | ${rule} | \`${by}\` |`)
}
const readme = readFileSync(join(here, "README.md"), "utf8")
const [before, after] = ["<!-- mutants -->\n", "<!-- end of mutants -->"]
const from = readme.indexOf(before) + before.length
const table = ["| mutant | the rule that it lacks | found by |", "| --- | --- | --- |", ...rows, ""].join("\n")
expectText(join(here, "README.md"), readme.slice(0, from) + table + readme.slice(readme.indexOf(after)))

print(
  `${failures === 0 ? "All as expected" : `${failures} differences`} (${Math.round((Date.now() - startedAt) / 1000)} s)`
)
process.exitCode = failures === 0 ? 0 : 1
