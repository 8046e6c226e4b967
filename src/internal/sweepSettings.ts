/**
 * The settings of a sweep: its options, checked, with the defaults.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Installation from "../Installation.js"
import type { Options } from "../TokenSweep.js"
import { checkCount, checkDuration, checkRate } from "./options.js"

/** The options with their defaults. */
export const settingsOf = (options: Options) =>
  Effect.gen(function*() {
    const window = yield* checkDuration("window", options.window ?? "2 hours")
    const interval = Duration.toMillis(yield* checkDuration("interval", options.interval ?? "1 minute"))
    const ratePerMinute = yield* checkRate("ratePerMinute", options.ratePerMinute ?? 600)
    const concurrency = yield* checkCount("concurrency", options.concurrency ?? 16)
    return {
      window: Duration.toMillis(window),
      interval,
      /** The most refreshes that a pass makes. */
      most: Math.max(1, Math.floor(ratePerMinute * interval / 60_000)),
      concurrency,
      isOurs: ({ key }: { readonly key: Installation.CredentialKey }): boolean =>
        options.apps?.(key.installation.appId) ?? true
    }
  })
