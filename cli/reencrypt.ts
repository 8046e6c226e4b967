/**
 * `effect-slack-oauth reencrypt`: encrypts what a store has under the first key of `SLACK_TOKEN_KEYS`.
 */
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { CommandFailed, orSettingFailed } from "./CommandFailed.js"
import { databaseOption, store } from "./database.js"
import * as Command from "./effect/command.js"
import * as Progress from "./progress.js"

/** Encrypts all rows that are not under the current key. It lists the rows that it cannot decrypt, and leaves them. */
const encryptAgain = Effect.gen(function*() {
  const { reencrypt } = yield* InstallationStore.InstallationStore
  const progress = Progress.make()
  let encrypted = 0
  let failed = 0
  const summary = Effect.suspend(() => Console.log(`${encrypted} encrypted again, ${failed} cannot be decrypted.`))
  yield* Stream.runForEach(reencrypt, ({ error }) => {
    if (Option.isNone(error)) return progress.show(++encrypted, "encrypted")
    failed++
    return Effect.zipRight(progress.end, Console.log(`  ${error.value.message}`))
  }).pipe(
    Effect.ensuring(progress.end),
    Effect.onInterrupt(() => Effect.zipRight(Console.log("Stopped. Run it again to encrypt the rest."), summary))
  )
  yield* summary
  if (failed > 0) {
    return yield* new CommandFailed({
      message: "Some rows cannot be decrypted. They are listed above, and nothing was changed in them."
    })
  }
})

/** Without a key, the store would only report every encrypted row as unreadable. */
const requireKey = Effect.gen(function*() {
  const { encrypts } = yield* TokenCipher.config
  if (!encrypts) {
    return yield* new CommandFailed({
      message: "SLACK_TOKEN_KEYS is `plain`, so there is no key. Put the key that is to encrypt in front of it."
    })
  }
})

export const reencrypt = Command.make(
  "reencrypt",
  { database: databaseOption },
  ({ database }) =>
    Effect.zipRight(requireKey, Effect.provide(encryptAgain, store(database, { dryRun: false }))).pipe(
      Effect.catchTag("InstallationStoreError", (error) => new CommandFailed({ message: error.message })),
      orSettingFailed
    )
).pipe(
  Command.withDescription(
    "Encrypt the store again under the first key of SLACK_TOKEN_KEYS, such as new:<base64>,old:<base64>. After it has " +
      "ended with 0, the other keys can be removed. Apps can use the store meanwhile. You can stop it at any time. The " +
      "next run continues. Exit codes: 0 all is under the first key; 1 something failed, and is listed; 130 stopped by " +
      "Ctrl+C."
  )
)
