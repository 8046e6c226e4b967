import { assert, describe, it } from "@effect/vitest"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Fs from "node:fs"
import * as Cli from "./utils/cli.js"
import { connect, libsqlUrl } from "./utils/databases.js"
import { makeFleet } from "./utils/fleet.js"
import { postgresUrl } from "./utils/resources.js"

const key = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString("base64")}`
const a = key("a", 1)
const b = key("b", 2)

/** Runs the command. It never prints a token or a key. */
const command = (url: string, keys: string | undefined) =>
  Effect.map(
    Effect.promise(() => Cli.runHere(["reencrypt"], { DATABASE_URL: url, SLACK_TOKEN_KEYS: keys })),
    (ended) => {
      assert.notMatch(ended.stdout + ended.stderr, /xox[bpe]|AQEBAQ|AgICAg|secret/)
      return ended
    }
  )

const withKeys = (url: string, keys: string) =>
  Effect.provide(
    SqlInstallationStore.layer.pipe(
      Layer.provide(connect(url)),
      Layer.provide(TokenCipher.layerConfig),
      Layer.provide(Layer.setConfigProvider(ConfigProvider.fromMap(new Map([["SLACK_TOKEN_KEYS", keys]]))))
    )
  )

const install = (size: number) => makeFleet().install(size)

/** How many installations can be read with the keys of the store. */
const readable = Effect.flatMap(InstallationStore.InstallationStore, ({ stream }) => Stream.runCount(stream))

describe("the command reencrypt", () => {
  for (const [name, newUrl] of [["libsql", libsqlUrl], ["Postgres", postgresUrl]] as const) {
    it.scopedLive(`puts a store in ${name} under the first key, so that the old one can be removed`, () =>
      Effect.gen(function*() {
        const url = yield* newUrl
        yield* withKeys(url, a)(install(5))
        const { code, stderr, stdout } = yield* command(url, `${b},${a}`)
        assert.strictEqual(code, 0, stderr)
        assert.strictEqual(stdout, "5 encrypted again, 0 cannot be decrypted.\n")
        assert.strictEqual(yield* withKeys(url, b)(readable), 5)
        assert.strictEqual((yield* command(url, b)).stdout, "0 encrypted again, 0 cannot be decrypted.\n")
      }))
  }

  it.scopedLive("encrypts plain text, if `plain` is after the key, and also without it", () =>
    Effect.gen(function*() {
      for (const keys of [`${a},plain`, a]) {
        const url = yield* libsqlUrl
        yield* withKeys(url, "plain")(install(2))
        assert.deepInclude(yield* command(url, keys), {
          code: 0,
          stdout: "2 encrypted again, 0 cannot be decrypted.\n"
        })
        assert.strictEqual(yield* withKeys(url, a)(readable), 2)
      }
    }))

  it.scopedLive("lists the rows whose key is missing, leaves them as they are, and ends with 1", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      yield* withKeys(url, a)(install(2))
      const { code, stderr, stdout } = yield* command(url, b)
      assert.strictEqual(code, 1)
      assert.match(
        stdout,
        /^( {2}InstallationStore\.reencrypt: keyMissing \(\S+, a\)\. .*\n){2}0 encrypted again, 2 cannot/
      )
      assert.strictEqual(
        stderr,
        "Some rows cannot be decrypted. They are listed above, and nothing was changed in them.\n"
      )
      assert.strictEqual(yield* withKeys(url, a)(readable), 2)
    }))

  it.scopedLive("needs keys and a store, creates none, and says what to do", () =>
    Effect.gen(function*() {
      const url = yield* libsqlUrl
      for (
        const [keys, words] of [
          [undefined, "SLACK_TOKEN_KEYS: The keys are missing."],
          ["a:short", "SLACK_TOKEN_KEYS: "],
          ["plain", "SLACK_TOKEN_KEYS is `plain`, so there is no key. Put the key that is to encrypt in front of it."],
          [a, "does not exist. Give the URL of the database with slack_oauth_installations."]
        ] as const
      ) {
        const { code, stderr, stdout } = yield* command(url, keys)
        assert.deepStrictEqual([code, stdout, stderr.trim().split("\n").length], [1, "", 1], stderr)
        assert.include(stderr, words)
      }
      assert.isFalse(Fs.existsSync(url.slice("file:".length)))
    }))
})
