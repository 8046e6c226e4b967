/** The tasks that the suite gives to other processes, and their reports. */
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"
import * as Installation from "../../Installation.js"
import { botToken, install, t0, userToken } from "./fixtures.js"

/**
 * A task for a process.
 *
 * - `Mix`: a number of random saves, compare-and-sets and leases on the app's workspaces `T0`, `T1` and so on, at the
 *   same time as other processes
 * - `Write`: numbered writes without end. Each is announced on a line of its own when it is stored
 * - `Stream`: stream all installations, and count the app's
 * - `Heap`: stream all installations, and measure how many megabytes of memory remain in use
 */
export const Task = Schema.Union(
  Schema.TaggedStruct("Mix", {
    appId: Schema.String,
    worker: Schema.String,
    workspaces: Schema.Int,
    operations: Schema.Int
  }),
  Schema.TaggedStruct("Write", { appId: Schema.String, worker: Schema.String }),
  Schema.TaggedStruct("Stream", { appId: Schema.String }),
  Schema.TaggedStruct("Heap", {})
)

/** A task for a process. */
export type Task = typeof Task.Type

/**
 * The report of a `Mix`. `broken` counts compare-and-sets that were superseded under a lease. `leases` lists workspace,
 * start and end of each lease, by the store's clock.
 */
export const MixReport = Schema.Struct({
  writes: Schema.Record({ key: Schema.String, value: Schema.Int }),
  superseded: Schema.Int,
  broken: Schema.Int,
  leases: Schema.Array(Schema.Tuple(Schema.String, Schema.Number, Schema.Number))
})

/** The environment variable that contains the task as JSON. */
export const variable = "INSTALLATION_STORE_TASK"

/** The rows of a `Write`: one is changed by `save`, the other by `compareAndSet`. */
export const writtenBy = (appId: string, worker: string) => ({
  save: Installation.workspace(appId, `${worker}-save`),
  swap: Installation.workspace(appId, `${worker}-swap`)
})

/** The installation of a numbered write. All its parts contain the number. */
export const numbered = (key: Installation.WorkspaceKey, n: number): Installation.Installation =>
  install({
    appId: key.appId,
    teamId: key.teamId,
    name: `${n}`,
    bot: botToken(`${n}`, DateTime.add(t0, { seconds: n }), [`${n}`]),
    user: ["U1", userToken(`${n}`)],
    at: DateTime.add(t0, { seconds: n })
  })
