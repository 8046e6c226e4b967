/** Tests with several processes on one store. The long ones are in `test/stress`. */
import { assert, describe, it } from "@effect/vitest"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import { libsqlUrl } from "./utils/databases.js"
import { brokenBots, withProcesses } from "./utils/processes.js"
import type { Task } from "./utils/workers/tokenWorker.js"

const refreshing: Task = { _tag: "Churn", fibers: 1, leaseMillis: 2000 }

const slack = { accessTokenLifetime: "2 seconds", refreshGracePeriod: "1 minute" } as const

describe("withProcesses", () => {
  it.live("a process that is killed before Slack's answer arrives leaves its token to the next process", () =>
    Effect.gen(function*() {
      const database = yield* libsqlUrl
      yield* withProcesses({ database, workspaces: 1, slack }, ({ requests, start }) =>
        Effect.gen(function*() {
          yield* SlackEmulator.inject({ fault: SlackEmulator.afterStateChange(SlackEmulator.delay("5 seconds")) })
          const first = yield* start(refreshing)
          const { grant } = yield* requests.next()
          yield* first.kill
          const second = yield* start(refreshing)
          yield* requests.next((request) => request.process === second.name && request.grant === grant)
          yield* second.kill
          yield* Effect.sleep("2 seconds")
          assert.deepStrictEqual(yield* brokenBots(2000), [])
        }))
    }).pipe(Effect.scoped))
})
