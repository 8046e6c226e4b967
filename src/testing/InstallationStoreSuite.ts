/**
 * A test suite for installation stores: it checks that a store keeps the contract of `InstallationStore`.
 *
 * The suite needs `vitest` and `@effect/vitest`, which are optional peers. It runs on the real clock, because a store may
 * use its database's clock, and takes some seconds.
 *
 * @since 0.1.0
 */
import type * as Command from "@effect/platform/Command"
import type * as CommandExecutor from "@effect/platform/CommandExecutor"
import { afterAll, beforeAll, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type * as Stream from "effect/Stream"
import type * as Installation from "../Installation.js"
import * as InstallationStore from "../InstallationStore.js"
import { comparing } from "../internal/storeSuite/comparing.js"
import { installing } from "../internal/storeSuite/installing.js"
import { leasing } from "../internal/storeSuite/leasing.js"
import * as ProcessCases from "../internal/storeSuite/processes.js"
import { removing } from "../internal/storeSuite/removing.js"
import { resolving } from "../internal/storeSuite/resolving.js"
import { sealing } from "../internal/storeSuite/sealing.js"
import { streaming } from "../internal/storeSuite/streaming.js"
import { freshApp, type Store } from "../internal/storeSuite/support.js"

/**
 * Tests with several processes on the same storage.
 *
 * @since 0.1.0
 * @category models
 */
export interface Processes {
  /** Starts a worker: a script that provides the store to `InstallationStoreWorker.main`. */
  readonly command: Command.Command
  /** Runs commands, such as `NodeContext.layer` of `@effect/platform-node`. */
  readonly executor: Layer.Layer<CommandExecutor.CommandExecutor>
  /** How many workers run at the same time; 4 by default. */
  readonly count?: number | undefined
  /** How many operations the workers perform in total; 400 by default. */
  readonly operations?: number | undefined
  /** How many writers are killed, four at a time; 4 by default. */
  readonly kills?: number | undefined
  /**
   * How many installations a worker streams that do not fit into its memory; 1500 by default. The suite measures how
   * much memory a worker needs itself, and gives it 40 MB more.
   */
  readonly installations?: number | undefined
  /** Stores many installations at once. Without it the suite saves them one by one, which can take long. */
  readonly fill?:
    | ((installations: Stream.Stream<Installation.Installation>) => Effect.Effect<void, unknown>)
    | undefined
}

/**
 * The options of {@link register}.
 *
 * @since 0.1.0
 * @category options
 */
export interface Options {
  readonly name: string
  /** The store, on an empty storage that nothing else uses. */
  readonly layer: Layer.Layer<InstallationStore.InstallationStore, unknown>
  /** Leave it out for a store that one process uses alone. */
  readonly processes?: Processes | undefined
  /** How many installations the cases of streaming save; 550 by default. */
  readonly installations?: number | undefined
  /** The whole contents of the storage, as bytes or text, for a store that encrypts. They must not contain a token. */
  readonly contents?: Stream.Stream<string | Uint8Array, unknown> | undefined
  /** The time limit of each test; a minute by default. */
  readonly timeout?: Duration.DurationInput | undefined
}

const groups = { installing, resolving, removing, "compare-and-set": comparing, leases: leasing, streaming }

// -------------------------------------------------------------------------------------
// registering
// -------------------------------------------------------------------------------------

/**
 * Registers the suite's tests with vitest under the given name.
 *
 * @example
 * ```ts
 * import { InstallationStore } from "effect-slack-oauth"
 * import type * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
 *
 * const myStore: InstallationStoreSuite.Options = { name: "my store", layer: InstallationStore.layerMemory }
 *
 * // In a test file, with the import of the module and not only of its types:
 * // InstallationStoreSuite.register(myStore)
 * ```
 *
 * @since 0.1.0
 * @category testing
 */
export const register = (options: Options): void => {
  const { contents, installations = 550, name, processes } = options
  const timeout = Duration.toMillis(options.timeout ?? "1 minute")

  // `layer` of @effect/vitest would remove the test services from every `it.effect` that follows.
  describe(name, () => {
    const runtime = ManagedRuntime.make(Layer.orDie(options.layer))
    beforeAll(() => runtime.runPromise(Effect.void), timeout)
    afterAll(() => runtime.dispose(), timeout)

    const test = (
      title: string,
      run: (store: Store, appId: string) => Effect.Effect<unknown, unknown>
    ) =>
      it.live(
        title,
        () =>
          Effect.flatMap(runtime.runtimeEffect, (built) =>
            Effect.gen(function*() {
              const report = yield* run(yield* InstallationStore.InstallationStore, yield* freshApp)
              if (typeof report === "string") yield* Console.log(`${name}: ${report}`)
            }).pipe(Effect.provide(built))),
        timeout
      )

    for (const [group, cases] of Object.entries(groups)) {
      for (const [title, run] of cases) {
        test(`${group}: ${title}`, (store, appId) => run(store, appId, installations))
      }
    }

    if (processes !== undefined) {
      const settings: ProcessCases.Settings = {
        command: processes.command,
        executor: processes.executor,
        count: processes.count ?? 4,
        operations: processes.operations ?? 400,
        kills: processes.kills ?? 4,
        installations: processes.installations ?? 1500,
        fill: processes.fill
      }
      const cases = {
        "lose no update, and never share a lease": ProcessCases.mixing,
        "leave every row completely old or completely new when they are killed": ProcessCases.killing,
        "stream many installations in little memory": ProcessCases.streamingInLittleMemory
      }
      for (const [title, run] of Object.entries(cases)) {
        test(`processes: ${title}`, (store, appId) => run(store, appId, settings))
      }
    }

    // The last test, so that it also checks what the others have written.
    if (contents !== undefined) {
      test("encryption: stores no token in plain text", (store, appId) => sealing(store, appId, contents))
    }
  })
}
