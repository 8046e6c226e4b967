/**
 * One of several processes on a store. On a message from the parent, it repeats an operation on installations of its own
 * for a while, and answers how often it did that.
 */
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import { strict as assert } from "node:assert"
import { createInterface } from "node:readline"
import * as Fleet from "../support/fleet.js"
import { sqlStore } from "../support/stores.js"

export interface Settings {
  readonly url: string
  /** The number of this process. */
  readonly process: number
  /** How many operations run at once. */
  readonly width: number
}

export type Operation = "save" | "compareAndSet" | "credential"

export interface Told {
  readonly operation: Operation
  readonly milliseconds: number
}

const settings = JSON.parse(process.argv[2]!) as Settings
const expiresAt = Date.now() + 12 * 3_600_000
const runtime = ManagedRuntime.make(Layer.orDie(sqlStore(settings.url, 4)))

/** Each concurrent operation has an installation of its own, so that none is superseded. */
const lanes = Array.from({ length: settings.width }, (_, lane) => {
  const number = settings.process * 1000 + lane
  return {
    key: Installation.botKey(Fleet.keyOf(number)),
    installation: Fleet.installation(number, expiresAt),
    generation: 0
  }
})

type Lane = (typeof lanes)[number]

const operations: Readonly<
  Record<
    Operation,
    (store: InstallationStore.Service, lane: Lane) => Effect.Effect<unknown, InstallationStore.InstallationStoreError>
  >
> = {
  save: (store, lane) =>
    Effect.map(store.save(lane.installation), (saved) => {
      lane.generation = Option.getOrThrow(saved.bot).generation
    }),
  compareAndSet: (store, lane) =>
    Effect.map(
      store.compareAndSet(lane.key, lane.generation, Fleet.renewed(lane.generation + 1, expiresAt)),
      (swap) => {
        assert.equal(swap._tag, "Swapped")
        lane.generation++
      }
    ),
  credential: (store, lane) =>
    Effect.map(
      store.credential(lane.key),
      (found) => assert.equal(Option.getOrThrow(found).generation, lane.generation)
    )
}

const repeat = ({ milliseconds, operation }: Told) =>
  Effect.flatMap(InstallationStore.InstallationStore, (store) => {
    const until = performance.now() + milliseconds
    const from = performance.now()
    let done = 0
    return Effect.map(
      Effect.forEach(lanes, (lane) =>
        Effect.iterate(0, {
          while: () => performance.now() < until,
          body: () => Effect.map(operations[operation](store, lane), () => ++done)
        }), { concurrency: "unbounded", discard: true }),
      () => ({ done, milliseconds: performance.now() - from })
    )
  })

await runtime.runPromise(
  Effect.flatMap(
    InstallationStore.InstallationStore,
    (store) => Effect.forEach(lanes, (lane) => operations.save(store, lane), { discard: true })
  )
)
console.log(JSON.stringify("ready"))

for await (const line of createInterface(process.stdin)) {
  console.log(JSON.stringify(await runtime.runPromise(repeat(JSON.parse(line) as Told))))
}
process.exit()
