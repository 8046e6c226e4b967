/**
 * The settings of a manager: its options, checked, with the defaults.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as SlackApp from "../SlackApp.js"
import type { Options } from "../TokenManager.js"
import type { Rules } from "./credentialState.js"
import { checkCount, checkDuration, checkShare } from "./options.js"

/** The options with their defaults. */
export const settingsOf = (options: Options) =>
  Effect.gen(function*() {
    const window = yield* checkDuration("window", options.window ?? "2 hours")
    const jitter = yield* checkShare("jitter", options.jitter ?? 0.25)
    const leaseDuration = yield* checkDuration("leaseDuration", options.leaseDuration ?? "30 seconds")
    const cacheSize = yield* checkCount("cacheSize", options.cacheSize ?? 100_000)
    const cacheTime = yield* checkDuration("cacheTime", options.cacheTime ?? "10 minutes", {
      zero: true,
      infinite: true
    })
    const missTime = Duration.toMillis(
      yield* checkDuration("missTime", options.missTime ?? "5 seconds", { zero: true, infinite: true })
    )
    const patience = yield* checkDuration("patience", options.patience ?? "3 seconds", { zero: true })
    const refreshTokenLifetime = options.refreshTokenLifetime === undefined
      ? undefined
      : yield* checkDuration("refreshTokenLifetime", options.refreshTokenLifetime)
    const rules: Rules = {
      window: Duration.toMillis(window),
      jitter,
      cacheTime: Duration.toMillis(cacheTime),
      patience: Duration.toMillis(patience),
      sharedRefresh: options.sharedRefresh ?? true
    }
    return { rules, leaseDuration, cacheSize, missTime, refreshTokenLifetime, apps: options.apps }
  })

export type Settings = Effect.Effect.Success<ReturnType<typeof settingsOf>>

/** How long the refresh tokens of an app live, if they expire at all. */
export const refreshTokenLifetimeOf = (
  { apps, refreshTokenLifetime }: Settings,
  standardApp: SlackApp.Service | undefined,
  appId: string
): Duration.Duration | undefined => {
  if (refreshTokenLifetime !== undefined) return refreshTokenLifetime
  const app = apps === undefined ? standardApp : apps(appId)
  return app !== undefined && app.clientSecret === undefined ? Duration.days(30) : undefined
}
