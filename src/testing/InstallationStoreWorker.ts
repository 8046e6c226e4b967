/**
 * The other processes of `InstallationStoreSuite`: a program that runs a task on a store and prints the result.
 *
 * @since 0.1.0
 */
import * as Config from "effect/Config"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "../Installation.js"
import * as InstallationStore from "../InstallationStore.js"
import { botToken, install, t0 } from "../internal/storeSuite/fixtures.js"
import * as Tasks from "../internal/storeSuite/tasks.js"

/** The process, on Node and compatible runtimes. */
interface Host {
  readonly memoryUsage: () => { readonly heapUsed: number }
  readonly stdout: { readonly write: (text: string, done: (error?: Error | null) => void) => void }
}

const host = Effect.sync(() => {
  const { ["process"]: host } = globalThis as unknown as { readonly process: Host }
  return host
})

/**
 * Prints a line, and waits until the system has it. While nobody reads the output, Node keeps lines in the process, and they
 * are lost when it is killed.
 */
const print = (line: string): Effect.Effect<void> =>
  Effect.flatMap(host, ({ stdout }) =>
    Effect.async<void>((resume) => {
      stdout.write(`${line}\n`, (error) => resume(error ? Effect.die(error) : Effect.void))
    }))

const leaseTime = "1 minute"

const mix = (store: InstallationStore.Service, task: Extract<Tasks.Task, { readonly _tag: "Mix" }>) =>
  Effect.gen(function*() {
    const writes: Record<string, number> = {}
    const leases: Array<readonly [string, number, number]> = []
    let superseded = 0
    let broken = 0
    const countWrite = (teamId: string) => {
      writes[teamId] = (writes[teamId] ?? 0) + 1
    }

    const renew = (key: Installation.CredentialKey, name: string) =>
      Effect.flatMap(store.credential(key), (current) =>
        store.compareAndSet(
          key,
          Option.match(current, { onNone: () => 0, onSome: ({ generation }) => generation }),
          Installation.Change.Renewed({ token: botToken(name, DateTime.add(t0, { hours: 12 })), issuedAt: t0 })
        ))

    const underLease = (key: Installation.CredentialKey, teamId: string, holder: string) =>
      Effect.gen(function*() {
        const request = { holder, intent: `mixing in ${teamId}`, duration: leaseTime } as const
        const taken = yield* store.acquireLease(key, request)
        if (taken._tag !== "Acquired") return
        const swap = yield* renew(key, holder)
        if (swap._tag === "Swapped") countWrite(teamId)
        else broken++
        // Renews the lease to learn the time by the store's clock.
        const end = yield* store.acquireLease(key, request)
        if (end._tag === "Acquired") {
          leases.push([teamId, DateTime.toEpochMillis(taken.lease.since), DateTime.toEpochMillis(end.lease.since)])
        } else broken++
        if (!(yield* store.releaseLease(key, holder))) broken++
      })

    yield* Effect.forEach(
      Array.from({ length: task.operations }, (_, n) => n),
      (n) =>
        Effect.gen(function*() {
          const index = yield* Random.nextIntBetween(0, task.workspaces)
          const teamId = `T${index}`
          const name = `${task.worker}-${n}`
          const key = Installation.botKey(Installation.workspace(task.appId, teamId))
          if (index % 2 === 1) return yield* underLease(key, teamId, name)
          if ((yield* Random.nextIntBetween(0, 3)) === 0) {
            yield* store.save(install({ appId: task.appId, teamId, bot: botToken(name) }))
            countWrite(teamId)
          } else {
            const swap = yield* renew(key, name)
            if (swap._tag === "Swapped") countWrite(teamId)
            else superseded++
          }
        }),
      { concurrency: 8 }
    )
    return { writes, superseded, broken, leases }
  })

const write = (store: InstallationStore.Service, { appId, worker }: Extract<Tasks.Task, { readonly _tag: "Write" }>) =>
  Effect.gen(function*() {
    const rows = Tasks.writtenBy(appId, worker)
    const bot = Installation.botKey(rows.swap)
    let { generation } = Option.getOrThrow((yield* store.save(Tasks.numbered(rows.swap, 0))).bot)
    for (let n = 1;; n++) {
      yield* store.save(Tasks.numbered(rows.save, n))
      yield* print(`save ${n}`)
      const { bot: token, installedAt } = Tasks.numbered(rows.swap, n)
      const swap = yield* store.compareAndSet(
        bot,
        generation,
        Installation.Change.Renewed({ token: Option.getOrThrow(token).token, issuedAt: installedAt })
      )
      if (swap._tag !== "Swapped") return yield* Effect.dieMessage("Another process changed this worker's row")
      generation = swap.credential.generation
      yield* print(`swap ${n}`)
    }
  })

/** The megabytes of memory in use. */
const heapMegabytes = Effect.map(host, ({ memoryUsage }) => {
  const { gc } = globalThis as unknown as { readonly gc?: () => void }
  gc?.()
  return Math.ceil(memoryUsage().heapUsed / 1_000_000)
})

/**
 * Runs the task in the environment. To test your own store from several processes, write a script that provides it:
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { InstallationStore } from "effect-slack-oauth"
 * import * as InstallationStoreWorker from "effect-slack-oauth/testing/InstallationStoreWorker"
 *
 * export const program = InstallationStoreWorker.main.pipe(Effect.provide(InstallationStore.layerMemory))
 * ```
 *
 * @since 0.1.0
 * @category main
 */
export const main = Effect.gen(function*() {
  const store = yield* InstallationStore.InstallationStore
  const task = yield* Effect.flatMap(Config.string(Tasks.variable), Schema.decode(Schema.parseJson(Tasks.Task)))
  switch (task._tag) {
    case "Mix": {
      const report = yield* mix(store, task)
      yield* print(JSON.stringify(report))
      break
    }
    case "Write": {
      yield* write(store, task)
      break
    }
    case "Stream": {
      const count = yield* Stream.runCount(Stream.filter(store.stream, ({ appId }) => appId === task.appId))
      yield* print(String(count))
      break
    }
    case "Heap": {
      yield* Stream.runDrain(store.stream)
      yield* print(String(yield* heapMegabytes))
    }
  }
})
