import { assert, describe, it } from "@effect/vitest"
import * as FastCheck from "effect/FastCheck"
import { parseRetryAfter } from "../../src/internal/retryAfter.js"

const now = Date.UTC(2026, 0, 2, 3, 4, 5)
const day = 24 * 60 * 60 * 1000

describe("Retry-After", () => {
  it("is seconds", () => {
    assert.strictEqual(parseRetryAfter("0", now), 0)
    assert.strictEqual(parseRetryAfter("30", now), 30_000)
    assert.strictEqual(parseRetryAfter(" 007 ", now), 7000)
  })

  it("is a date in one of three forms", () => {
    assert.strictEqual(parseRetryAfter("Fri, 02 Jan 2026 03:04:35 GMT", now), 30_000)
    assert.strictEqual(parseRetryAfter("Friday, 02-Jan-26 03:04:35 GMT", now), 30_000)
    assert.strictEqual(parseRetryAfter("Fri Jan  2 03:04:35 2026", now), 30_000)
  })

  it("is a date in Greenwich, wherever the program runs", () => {
    const zone = process.env.TZ
    try {
      process.env.TZ = "America/New_York"
      assert.notStrictEqual(new Date(now).getTimezoneOffset(), 0)
      assert.strictEqual(parseRetryAfter("Fri Jan  2 03:04:35 2026", now), 30_000)
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it("is no wait when the date is past", () => {
    assert.strictEqual(parseRetryAfter("Thu, 01 Jan 2026 00:00:00 GMT", now), 0)
    assert.strictEqual(parseRetryAfter("Fri, 02 Jan 2026 03:04:05 GMT", now), 0)
  })

  it("is at most a day", () => {
    assert.strictEqual(parseRetryAfter("86401", now), day)
    assert.strictEqual(parseRetryAfter("9".repeat(400), now), day)
    assert.strictEqual(parseRetryAfter("Sat, 02 Jan 2126 03:04:05 GMT", now), day)
  })

  it("is nothing when it cannot be understood", () => {
    const garbage = [
      "",
      "soon",
      "-1",
      "1.5",
      "1e3",
      "0x10",
      "30s",
      "2026-01-02",
      "Fri, 99 Foo 2026 03:04:35 GMT",
      // Of two forms at once.
      "Fri, 02-Jan-2026 03:04:35 GMT",
      "Friday, 02 Jan 2026 03:04:35 GMT",
      "Fri Jan  2 03:04:35 GMT",
      "Fri, 02 Jan 26 03:04:35 GMT",
      "1, 2"
    ]
    for (const header of garbage) assert.isUndefined(parseRetryAfter(header, now), header)
    assert.isUndefined(parseRetryAfter(undefined, now))
  })

  it("is between nothing and a day, whatever is written there", () => {
    FastCheck.assert(FastCheck.property(FastCheck.string(), (header) => {
      const millis = parseRetryAfter(header, now)
      assert.isTrue(millis === undefined || (millis >= 0 && millis <= day))
    }))
    FastCheck.assert(FastCheck.property(FastCheck.integer({ min: 0, max: day / 1000 }), (seconds) => {
      assert.strictEqual(parseRetryAfter(new Date(now + seconds * 1000).toUTCString(), now), seconds * 1000)
    }))
  })
})
