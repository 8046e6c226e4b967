/** Cases with several processes. */
import type * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "../../Installation.js"
import { Workspace } from "../../TokenResponse.js"
import { exitOf } from "../effect/fibers.js"
import * as Processes from "../effect/processes.js"
import { unchecked } from "../unchecked.js"
import { botToken, install, t0 } from "./fixtures.js"
import { after, generationOf, show, type Store } from "./support.js"
import * as Tasks from "./tasks.js"

export interface Settings {
  /** Runs a worker: a script that provides the store to `InstallationStoreWorker.main`. */
  readonly command: Command.Command
  readonly executor: Layer.Layer<CommandExecutor.CommandExecutor>
  /** How many workers run at the same time. */
  readonly count: number
  /** How many operations the workers perform in total. */
  readonly operations: number
  /** How many writers are killed. */
  readonly kills: number
  /** How many installations a worker streams. */
  readonly installations: number
  readonly fill:
    | ((installations: Stream.Stream<Installation.Installation>) => Effect.Effect<void, unknown>)
    | undefined
}

const start = ({ command }: Settings, task: Tasks.Task, environment: Record<string, string> = {}) =>
  Processes.start(command, { ...environment, [Tasks.variable]: JSON.stringify(task) })

/** Runs a task to its end. The exit code is `undefined` if the process was killed. */
const finish = (settings: Settings, task: Tasks.Task, environment?: Record<string, string>) =>
  Effect.gen(function*() {
    const process = yield* start(settings, task, environment)
    const text = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(stream))
    const [stdout, stderr, exitCode] = yield* Effect.all(
      [text(process.stdout), text(process.stderr), Effect.option(process.exitCode)],
      { concurrency: "unbounded" }
    )
    return { exitCode: Option.getOrUndefined(exitCode), output: `${stdout}${stderr}`, stdout }
  }).pipe(Effect.scoped, Effect.provide(settings.executor))

type Finished = Effect.Effect.Success<ReturnType<typeof finish>>

const ranOutOfMemory = ({ exitCode, output }: Finished): boolean => exitCode !== 0 && /out of memory/i.test(output)

/** The last line that a task printed. */
const resultOf = (finished: Finished): string => {
  const { exitCode, output, stdout } = finished
  if (exitCode !== 0) {
    throw new Error(`A worker ${exitCode === undefined ? "was killed" : `ended with ${exitCode}`}\n${output}`)
  }
  return stdout.trim().split("\n").at(-1)!
}

const runTask = (settings: Settings, task: Tasks.Task) => Effect.map(finish(settings, task), resultOf)

/** Many workers write and lease the same rows. No update may be lost, and no lease may have two holders. */
export const mixing = (store: Store, appId: string, settings: Settings) =>
  Effect.gen(function*() {
    const { count } = settings
    const operations = Math.ceil(settings.operations / count)
    const workspaces = 12
    yield* Effect.forEach(
      Array.from({ length: workspaces }, (_, n) => n),
      (n) => store.save(install({ appId, teamId: `T${n}`, bot: botToken("first") }))
    )
    const reports = yield* Effect.forEach(
      Array.from({ length: count }, (_, n) => `w${n}`),
      (worker) =>
        Effect.flatMap(
          runTask(settings, { _tag: "Mix", appId, worker, workspaces, operations }),
          Schema.decodeUnknown(Schema.parseJson(Tasks.MixReport))
        ),
      { concurrency: "unbounded" }
    )

    const sum = (f: (report: typeof Tasks.MixReport.Type) => number) => reports.reduce((n, report) => n + f(report), 0)
    let total = 0
    for (let n = 0; n < workspaces; n++) {
      const written = sum(({ writes }) => writes[`T${n}`] ?? 0)
      const bot = yield* store.credential(Installation.botKey(Installation.workspace(appId, `T${n}`)))
      assert.strictEqual(generationOf(bot), 1 + written, `T${n}`)
      total += written
    }
    assert.strictEqual(sum(({ broken }) => broken), 0)

    const leases = reports.flatMap((report) => report.leases)
    for (let n = 0; n < workspaces; n++) {
      const held = leases.filter(([teamId]) => teamId === `T${n}`).sort(([, a], [, b]) => a - b)
      for (const [index, [, since]] of held.entries()) {
        if (index > 0) assert.isAtLeast(since, held[index - 1]![2], `T${n}`)
      }
    }
    return `${count} processes, ${
      count * operations
    } operations: ${total} writes, all of them counted by the generations, ${
      sum(({ superseded }) => superseded)
    } superseded, ${leases.length} leases, no two at the same time`
  })

/** The number of the write that a row comes from. All parts of the row must have it. */
const numberIn = (installation: Installation.Installation, saved: boolean): number => {
  const bot = Option.getOrThrow(installation.bot)
  const { expiresAt, refreshToken } = Option.getOrThrow(bot.token.expiry)
  const n = Number(bot.token.scopes[0])
  assert.strictEqual(Redacted.value(bot.token.accessToken), `xoxb-test-${n}`)
  assert.strictEqual(Redacted.value(Option.getOrThrow(refreshToken)), `xoxe-test-${n}`)
  assert.strictEqual(DateTime.distance(t0, expiresAt), n * 1000)
  assert.strictEqual(DateTime.distance(t0, bot.issuedAt), n * 1000)
  if (saved) {
    const { key } = installation
    if (key._tag === "Organization") throw new Error("The row is of an organization. The worker wrote a workspace.")
    const expected = Installation.withCredentials(
      Tasks.numbered(key, n),
      Tasks.numbered(key, n).credentials.map((credential) => Installation.atGeneration(credential, bot.generation))
    )
    assert.deepStrictEqual(show(Option.some(installation)), show(Option.some(expected)))
  }
  return n
}

/** Kills a writer, and returns the numbers of its last writes that it had announced. */
const killWriter = (settings: Settings, task: Tasks.Task) =>
  Effect.gen(function*() {
    const announced = { save: 0, swap: 0 }
    const process = yield* start(settings, task)
    const errors = yield* Effect.fork(Stream.mkString(Stream.decodeText(process.stderr)))
    const lines = yield* process.stdout.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) =>
        Effect.sync(() => {
          const [, kind, n] = /^(save|swap) (\d+)$/.exec(line) ?? []
          if (kind !== undefined) announced[kind as keyof typeof announced] = Number(n)
        })
      ),
      Effect.fork
    )
    // Waits until the writer writes, and then kills it at a random moment.
    yield* Effect.repeat(Effect.sleep("10 millis"), {
      until: () => Effect.sync(() => announced.swap > 0 || exitOf(lines) !== undefined)
    })
    yield* Effect.sleep(Duration.millis(yield* Random.nextRange(0, 100)))
    yield* Effect.ignore(process.kill)
    yield* Fiber.await(lines)
    if (announced.swap === 0) throw new Error(`A writer did not write\n${yield* Fiber.join(errors)}`)
    return announced
  }).pipe(Effect.scoped, Effect.provide(settings.executor))

/** Writers are killed while they write. Each of their rows must be completely old or completely new. */
export const killing = (store: Store, appId: string, settings: Settings) =>
  Effect.gen(function*() {
    const { kills } = settings
    let ahead = 0
    let writes = 0
    yield* Effect.forEach(
      Array.from({ length: kills }, (_, n) => `w${n}`),
      (worker) =>
        Effect.gen(function*() {
          const announced = yield* killWriter(settings, { _tag: "Write", appId, worker })
          const rows = Tasks.writtenBy(appId, worker)
          for (const kind of ["save", "swap"] as const) {
            const n = numberIn(Option.getOrThrow(yield* store.get(rows[kind])), kind === "save")
            // A write is stored, then announced, and then the next one begins. So the row has the announced write, or
            // the one after it.
            assert.isAtLeast(n, announced[kind], kind)
            assert.isAtMost(n, announced[kind] + 1, kind)
            ahead += n - announced[kind]
            writes += n
          }
        }),
      { concurrency: 4 }
    )
    yield* Stream.runDrain(store.stream)
    return `${kills} writers killed after ${writes} writes: every row is readable, and none mixes two writes; ${ahead} writes were stored and not yet announced`
  })

/** How much is streamed, and how much of it a process may hold in memory. */
const scopeMegabytes = 60
const heldMegabytes = 40

/**
 * The size of the space that V8 has for new objects. The default can be larger than the memory limit of a worker; then
 * Node 24 collects garbage most of the time.
 */
const newMegabytes = 8

/** A worker with little memory streams more than fits into it. */
export const streamingInLittleMemory = (store: Store, appId: string, settings: Settings) =>
  Effect.gen(function*() {
    const { fill, installations: count } = settings
    const own = yield* finish(settings, { _tag: "Heap" }, { NODE_OPTIONS: "--expose-gc" })
    const heap = Number(resultOf(own)) + heldMegabytes
    const scopes = ["x".repeat(Math.ceil(scopeMegabytes * 1_000_000 / count))]
    const one = install({ appId, teamId: "T", bot: botToken("bot", after("12 hours"), scopes) })
    const installations = Stream.map(Stream.range(0, count - 1), (n) => {
      const target = new Workspace({ team: { id: `T${n}`, name: Option.none() }, enterprise: Option.none() }, unchecked)
      return new Installation.Installation({ ...one, target }, unchecked)
    })
    yield* fill === undefined
      ? Stream.runDrain(
        Stream.mapEffect(installations, (installation) => store.save(installation), { concurrency: 25 })
      )
      : fill(installations)
    const finished = yield* finish(settings, { _tag: "Stream", appId }, {
      NODE_OPTIONS: `--max-old-space-size=${heap} --max-semi-space-size=${newMegabytes}`
    })
    if (ranOutOfMemory(finished)) {
      throw new Error(
        `A worker ran out of memory. It streamed ${scopeMegabytes} MB and had ${heap} MB: ${heldMegabytes} MB more than it needs itself. Do not hold all that a stream reads.`
      )
    }
    const seen = resultOf(finished)
    assert.strictEqual(seen, String(count))
    return `${seen} installations (${scopeMegabytes} MB of them scopes) streamed by a process that has ${heap} MB in all`
  })
