/**
 * Many callers who find one expired token at once: each by itself, and through one `TokenManager`. The emulator counts the
 * refreshes, and says which of the new tokens work.
 */
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as MovableClock from "effect-slack-oauth/testing/MovableClock"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { draw, line, rect, text } from "./svg.js"

const callers = [1, 20, 1000]

const live = TokenManager.layer().pipe(
  Layer.provideMerge(Layer.merge(InstallationStore.layerMemory, OAuthV2.layer)),
  Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
  Layer.provideMerge(SlackEmulator.layer()),
  Layer.provideMerge(MovableClock.layer)
)

const refreshes = Effect.map(
  SlackEmulator.calls,
  (calls) => calls.filter(({ grantType }) => grantType === "refresh_token").length
)

interface Outcome {
  readonly refreshes: number
  /** How many callers have a token that works afterwards. */
  readonly served: number
}

/** `get` is what each caller does, once the token has expired. */
const storm = (
  size: number,
  get: (bot: Installation.BotCredential, key: Installation.InstallationKey) => Effect.Effect<
    Redacted.Redacted,
    unknown,
    OAuthV2.OAuthV2 | TokenManager.TokenManager
  >
): Promise<Outcome> =>
  Effect.gen(function*() {
    const at = yield* DateTime.now
    const { code } = yield* SlackEmulator.authorize()
    const { bot, key } = yield* InstallationStore.save(
      Installation.fromTokenResponse(yield* OAuthV2.access({ code }), at)
    )
    yield* MovableClock.move("13 hours")
    const one = Effect.option(get(Option.getOrThrow(bot), key))
    const tokens = yield* Effect.all(Array.from({ length: size }, () => one), { concurrency: "unbounded" })
    const given = tokens.flatMap(Option.toArray).map(Redacted.value)
    const working = (yield* SlackEmulator.chains).flatMap(({ liveAccessTokens }) =>
      liveAccessTokens.map(Redacted.value)
    )
    return { refreshes: yield* refreshes, served: given.filter((token) => working.includes(token)).length }
  }).pipe(Effect.provide(live), Effect.runPromise)

const alone = (size: number) =>
  storm(size, (bot) =>
    Effect.map(
      OAuthV2.access({ refreshToken: Option.getOrThrow(Installation.refreshTokenOf(bot)) }),
      ({ bot }) => Option.getOrThrow(bot).accessToken
    ))

const together = (size: number) => storm(size, (_, key) => TokenManager.botToken(key))

const rows: Array<{ readonly size: number; readonly alone: Outcome; readonly together: Outcome }> = []
for (const size of callers) rows.push({ size, alone: await alone(size), together: await together(size) })

const left = 250
const width = 420

/** A bar whose length is the logarithm of a count, because the counts are from 1 to 1,000. */
const bar = (y: number, count: number, classes: string): string =>
  rect(left, y, Math.max(4, (Math.log10(count) + 0.15) / 3.15 * width), 20, classes)

const words = (count: number, word: string) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`

const rowHeight = 92

export const stormPicture = draw({
  width: 860,
  height: 60 + rows.length * rowHeight + 24,
  title: "One expired token and many callers",
  description: rows.map(({ alone, size, together }) =>
    `${words(size, "caller")}, each by itself: ${
      words(alone.refreshes, "call")
    } to refresh, and ${alone.served} with a token ` +
    `that works. Through one TokenManager: ${words(together.refreshes, "call")}, and ${together.served} with a token.`
  ).join(" "),
  body: [
    text(20, 28, "Refreshes, when a token has expired and all callers ask at once", "strong"),
    ...rows.flatMap(({ alone, size, together }, index) => {
      const top = 50 + index * rowHeight
      const after = (outcome: Outcome) =>
        `${outcome.refreshes.toLocaleString("en")} ${outcome.refreshes === 1 ? "refresh" : "refreshes"}, ${
          outcome.served.toLocaleString("en")
        } served`
      const end = (count: number) => left + Math.max(4, (Math.log10(count) + 0.15) / 3.15 * width) + 8
      return [
        text(20, top + 16, words(size, "caller"), "strong"),
        text(240, top + 16, "each by itself", "end small"),
        bar(top, alone.refreshes, "bad"),
        text(end(alone.refreshes), top + 15, after(alone), "small"),
        text(240, top + 44, "one TokenManager", "end small"),
        bar(top + 28, together.refreshes, "good"),
        text(end(together.refreshes), top + 43, after(together), "small"),
        line([[20, top + 66], [840, top + 66]])
      ]
    }),
    text(
      840,
      60 + rows.length * rowHeight,
      "counted by the emulator; served: has a token that works afterwards; the scale is logarithmic",
      "end small"
    )
  ]
})
