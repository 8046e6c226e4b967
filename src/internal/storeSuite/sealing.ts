/** The case of a store that encrypts. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as Installation from "../../Installation.js"
import { IncomingWebhook } from "../../TokenResponse.js"
import { botToken, install, userToken } from "./fixtures.js"
import { after, generationOf, renewed, type Store } from "./support.js"

export const sealing = (store: Store, appId: string, contents: Stream.Stream<string | Uint8Array, unknown>) =>
  Effect.gen(function*() {
    const url = Redacted.make("https://hooks.slack.com/services/T1/B1/test")
    const webhook = new IncomingWebhook({ url, channel: "#c", channelId: Option.none(), configurationUrl: "" })
    for (let n = 0; n < 30; n++) {
      const { key } = yield* store.save(install({
        appId,
        teamId: `T${n % 10}`,
        bot: botToken(`${n}`, after("12 hours")),
        user: [`U${n}`, userToken(`${n}`)],
        webhook,
        metadata: "{\"customer\":\"secret-test-customer\"}"
      }))
      const bot = yield* store.credential(Installation.botKey(key))
      yield* store.compareAndSet(Installation.botKey(key), generationOf(bot)!, renewed(`${n} refreshed`))
      if (n % 3 === 0) yield* store.remove(key)
    }

    const plain = /xox\w-test-|hooks\.slack\.com|secret-test-customer/
    let bytes = 0
    let rowsSeen = false
    yield* Stream.runForEach(contents, (part) =>
      Effect.sync(() => {
        const text = typeof part === "string" ? part : new TextDecoder("latin1").decode(part)
        bytes += text.length
        rowsSeen ||= text.includes(appId)
        assert.isFalse(plain.test(text), "the storage contains a token in plain text")
      }))
    assert.isTrue(rowsSeen, "the contents include the rows")
    return `${bytes} bytes in the storage, and no token in plain text`
  })
