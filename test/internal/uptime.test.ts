import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { vi } from "vitest"
import { clockAndUptime, uptime } from "../../src/internal/uptime.js"

const hour = 3_600_000

/** Sets the clock of the machine by so many milliseconds until the scope closes. */
const setClock = (by: number) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const now = Date.now
      return vi.spyOn(Date, "now").mockImplementation(() => now() + by)
    }),
    (spy) => Effect.sync(() => spy.mockRestore())
  )

describe("uptime", () => {
  for (const [name, by] of [["ahead", hour], ["back", -hour]] as const) {
    it.scopedLive(`only passes when the clock of the machine is set ${name}`, () =>
      Effect.gen(function*() {
        // A clock that projects the time needs a first look.
        yield* uptime
        const [clockBefore, before] = yield* clockAndUptime
        yield* setClock(by)
        const [clock, after] = yield* clockAndUptime
        assert.isAtLeast(Math.abs(clock - clockBefore), hour - 60_000)
        assert.isTrue(after >= before && after - before < 60_000)
        assert.isTrue((yield* uptime) >= after)
      }))
  }
})
