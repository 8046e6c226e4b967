import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as KeyValueInstallationStore from "effect-slack-oauth/KeyValueInstallationStore"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import { IncomingWebhook } from "effect-slack-oauth/TokenResponse"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { openAny } from "../src/internal/plainText.js"
import { botToken, install, userToken } from "../src/internal/storeSuite/fixtures.js"
import { connect, libsqlUrl } from "./utils/databases.js"
import { missingPath } from "./utils/effect/configErrors.js"
import * as KeyValueStores from "./utils/effect/keyValueStores.js"
import * as Observers from "./utils/effect/observers.js"
import { acquire, postgresUrl } from "./utils/resources.js"

const key = (id: string, byte: number) => ({ id, key: Redacted.make(Buffer.alloc(32, byte).toString("base64")) })

const a = key("a", 1)
const b = key("b", 2)
const otherA = key("a", 3)

const cipher = (options: TokenCipher.Options) => Either.getOrThrow(TokenCipher.make(options))

const fromConfig = (value?: string) =>
  Effect.withConfigProvider(
    TokenCipher.config,
    ConfigProvider.fromMap(new Map(value === undefined ? [] : [["SLACK_TOKEN_KEYS", value]]))
  )

const reveal = ({ key }: TokenCipher.Key) => Redacted.isRedacted(key) ? Redacted.value(key) : key

describe("TokenCipher", () => {
  it.effect("decrypts what it encrypted, in the same row only", () =>
    Effect.gen(function*() {
      const { open, prefix, seal } = cipher({ current: a })
      const sealed = yield* seal("xoxb-test-token", "row 1")
      assert.isTrue(sealed.startsWith(prefix))
      assert.notInclude(sealed, "xoxb")
      assert.strictEqual(yield* open(sealed, "row 1"), "xoxb-test-token")
      assert.deepStrictEqual(
        yield* Effect.flip(open(sealed, "row 2")),
        new TokenCipher.TokenCipherError({ reason: "notAuthentic", keyId: "a" })
      )
    }))

  it.effect("decrypts with older keys, and encrypts with the current one", () =>
    Effect.gen(function*() {
      const old = yield* cipher({ current: a }).seal("text", "row")
      const both = cipher({ current: b, older: [a] })
      assert.strictEqual(yield* both.open(old, "row"), "text")
      assert.isFalse(old.startsWith(both.prefix))
      const { reason, keyId } = yield* Effect.flip(cipher({ current: b }).open(old, "row"))
      assert.deepStrictEqual([reason, keyId], ["keyMissing", "a"])
    }))

  it.effect("distinguishes a wrong key, an altered text, and a text that is not encrypted", () =>
    Effect.gen(function*() {
      const { open, seal } = cipher({ current: a })
      const reason = (text: string, cipher = open) =>
        Effect.map(Effect.flip(cipher(text, "row")), ({ reason }) => reason)
      const sealed = yield* seal("text", "row")
      assert.strictEqual(yield* reason(sealed, cipher({ current: otherA }).open), "notAuthentic")
      for (let index = sealed.length - 30; index < sealed.length; index += 3) {
        const flipped = sealed.slice(0, index) + (sealed[index] === "A" ? "B" : "A") + sealed.slice(index + 1)
        assert.include(["notAuthentic", "malformed"], yield* reason(flipped))
      }
      assert.strictEqual(yield* reason("what is this"), "malformed")
      assert.strictEqual(yield* reason("plain.text"), "notSealed")
    }))

  it.effect("reads plain text only if that is allowed", () =>
    Effect.gen(function*() {
      const migrating = cipher({ current: a, readPlain: true })
      assert.strictEqual(yield* migrating.open("plain.text", "row"), "text")
      assert.strictEqual(yield* openAny(cipher({ current: a }), "plain.text", "row"), "text")
    }))

  it.effect("reads its keys from SLACK_TOKEN_KEYS", () =>
    Effect.gen(function*() {
      const two = yield* fromConfig(`b:${reveal(b)}, a:${reveal(a)}`)
      const old = yield* cipher({ current: a }).seal("text", "row")
      assert.strictEqual(yield* two.open(old, "row"), "text")
      assert.strictEqual(two.prefix, cipher({ current: b }).prefix)
      assert.strictEqual((yield* Effect.flip(two.open("plain.text", "row"))).reason, "notSealed")
      const accepting = yield* fromConfig(`b:${reveal(b)},plain`)
      assert.strictEqual(yield* accepting.open("plain.text", "row"), "text")
      assert.isFalse((yield* fromConfig("plain")).encrypts)
    }))

  it.effect("does not store plain text if SLACK_TOKEN_KEYS is misspelt", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromConfig())
      assert.deepStrictEqual(missingPath(error), ["SLACK_TOKEN_KEYS"])
      assert.match(String(error), /SLACK_TOKEN_KEYS.*set it to `plain` or use TokenCipher\.layerPlain/)
      assert.isTrue(Either.isLeft(
        yield* Effect.either(Effect.scoped(Layer.build(TokenCipher.layerConfig))).pipe(
          Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["SLACK_TOKEN_KEY", `a:${reveal(a)}`]])))
        )
      ))
    }))

  it.effect("may be left out by an application that asks for that, and wrong keys may not", () =>
    Effect.gen(function*() {
      const optional = (value?: string) =>
        Effect.withConfigProvider(
          Config.option(TokenCipher.config),
          ConfigProvider.fromMap(new Map(value === undefined ? [] : [["SLACK_TOKEN_KEYS", value]]))
        )
      assert.isTrue(Option.isNone(yield* optional()))
      assert.isTrue(Option.isSome(yield* optional("plain")))
      assert.include(String(yield* Effect.flip(optional("2026a:short"))), "SLACK_TOKEN_KEYS")
    }))

  it.effect("says what a shell or a template did to a key, and shows no key", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [string, RegExp]> = [
        [`"a:${reveal(a)}"`, /quotation mark/],
        ["${SLACK_TOKEN_KEYS}", /placeholder/],
        [`a:${reveal(a)}\u200b`, /invisible character/],
        [`a:${reveal(a).slice(0, 20)} ${reveal(a).slice(20)}`, /white space/],
        ["undefined", /word for a missing value/],
        ["plain,", /^$/]
      ]
      for (const [value, words] of cases) {
        const said = yield* Effect.match(fromConfig(value), { onFailure: String, onSuccess: () => "" })
        assert.match(said, words)
        assert.notInclude(said, reveal(a).slice(0, 20))
      }
      for (const key of [null, undefined, 5]) {
        const made = TokenCipher.make({ current: { id: "a", key } } as unknown as TokenCipher.Options)
        assert.match(String(Either.getOrThrow(Either.flip(made))), /The key a is (missing|not text)/)
      }
    }))

  it.effect("refuses keys of a wrong form, and shows no key", () =>
    Effect.gen(function*() {
      const short = Buffer.alloc(31, 9).toString("base64")
      const swapped = Buffer.alloc(32, 8).toString("base64url")
      for (
        const value of [
          "",
          "a",
          `a:${short}`,
          `:${reveal(a)}`,
          `a:${reveal(a)},a:${reveal(b)}`,
          `plain,a:${reveal(a)}`,
          `${swapped}:a`
        ]
      ) {
        const error = yield* Effect.flip(fromConfig(value))
        assert.include(String(error), "SLACK_TOKEN_KEYS")
        for (const secret of [short, swapped, reveal(a), reveal(b)]) assert.notInclude(String(error), secret)
      }
    }))
})

// -------------------------------------------------------------------------------------
// stores under a cipher
// -------------------------------------------------------------------------------------

const databases = {
  libsql: await acquire(libsqlUrl),
  Postgres: await acquire(postgresUrl)
}

type Run = <A, E>(
  keys: TokenCipher.Options | undefined,
  program: (store: InstallationStore.Service) => Effect.Effect<A, E>
) => Effect.Effect<A, E>

const cipherLayer = (keys: TokenCipher.Options | undefined) =>
  Layer.orDie(keys === undefined ? TokenCipher.layerPlain : TokenCipher.layer(keys))

const installation = install({
  appId: "A1",
  teamId: "T1",
  bot: botToken("planted-bot", DateTime.unsafeMake("2026-01-01T12:00:00Z")),
  user: ["U1", userToken("planted-user")],
  webhook: new IncomingWebhook({
    url: Redacted.make("https://hooks.slack.com/services/planted"),
    channel: "#general",
    channelId: Option.none(),
    configurationUrl: "https://example.slack.com"
  }),
  metadata: "planted-metadata"
})

const other = install({ appId: "A1", teamId: "T2", bot: botToken("planted-other") })

const planted = ["xoxb-test-planted", "xoxp-test-planted", "xoxe-test-planted", "services/planted", "planted-metadata"]

const bot = Installation.botKey(installation.key)

const reasonOf = <A>(effect: Effect.Effect<A, InstallationStore.InstallationStoreError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason)

const tokenOf = Effect.map(
  Option.match({
    onNone: () => "",
    onSome: ({ token }: Installation.Credential) => Redacted.value(token.accessToken)
  })
)

/** What every store does with its cipher; `tamper` replaces the secret of the first workspace's bot. */
const behaviour = (
  run: Run,
  dump: Effect.Effect<string>,
  tamper: (change: (own: string, other: string) => string) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const withA = { current: a }
    const save = (store: InstallationStore.Service) => Effect.zipRight(store.save(installation), store.save(other))
    const readBot = (store: InstallationStore.Service) => tokenOf(store.credential(bot))

    // plain text at first
    yield* run(undefined, save)
    for (const secret of planted) assert.include(yield* dump, secret)
    assert.strictEqual(yield* reasonOf(run(withA, readBot)), "notSealed")
    assert.strictEqual(yield* run({ ...withA, readPlain: true }, readBot), "xoxb-test-planted-bot")

    // sealed in place
    const sealing = yield* run(withA, (store) => reencryptWith(store))
    assert.isAtLeast(sealing.sealed, 2)
    assert.deepStrictEqual(sealing.failed, [])
    const sealed = yield* dump
    for (const secret of planted) assert.notInclude(sealed, secret)
    assert.deepStrictEqual(yield* run(withA, reencryptWith), { sealed: 0, failed: [] })
    const found = Option.getOrThrow(yield* run(withA, (store) => store.get(installation.key)))
    assert.strictEqual(
      Redacted.value(Option.getOrThrow(found.incomingWebhook).url),
      "https://hooks.slack.com/services/planted"
    )
    assert.strictEqual(Option.getOrThrow(found.bot).generation, 1)
    assert.deepStrictEqual(Option.map(found.metadata, Redacted.value), Option.some("planted-metadata"))

    // another key of the same id, and none
    for (const [keys, reason] of [[{ current: otherA }, "notAuthentic"], [{ current: b }, "keyMissing"]] as const) {
      assert.strictEqual(yield* reasonOf(run(keys, readBot)), reason)
      assert.strictEqual(yield* reasonOf(run(keys, (store) => store.get(installation.key))), reason)
      assert.strictEqual(yield* reasonOf(run(keys, (store) => Stream.runDrain(store.stream))), reason)
      assert.strictEqual(yield* reasonOf(run(keys, (store) => store.save(installation))), reason)
      assert.strictEqual(
        yield* reasonOf(run(keys, (store) =>
          store.compareAndSet(bot, 1, Installation.Change.Dead({ code: "x", since: DateTime.unsafeMake(0) })))),
        reason
      )
      const report = yield* run(keys, reencryptWith)
      assert.strictEqual(report.sealed, 0)
      if (reason === "keyMissing") {
        assert.isAtLeast(report.failed.length, 2)
      }
    }
    assert.strictEqual(yield* dump, sealed)

    // a new key, with the old one still open
    const withB = { current: b, older: [a] }
    assert.strictEqual(yield* run(withB, readBot), "xoxb-test-planted-bot")
    const half = yield* run(withB, (store) =>
      Stream.runCount(Stream.take(store.reencrypt, 1)))
    const rest = yield* run(withB, reencryptWith)
    assert.strictEqual(half + rest.sealed, sealing.sealed)
    assert.strictEqual(yield* run({ current: b }, readBot), "xoxb-test-planted-bot")

    // a secret that was changed, or belongs to another row
    const intact = yield* dump
    const changes: ReadonlyArray<(own: string, other: string) => string> = [
      (own) => own.slice(0, -8) + (own.at(-8) === "A" ? "B" : "A") + own.slice(-7),
      (_, other) => other
    ]
    for (const change of changes) {
      let before = ""
      yield* tamper((own, other) => {
        before = own
        return change(own, other)
      })
      assert.strictEqual(yield* reasonOf(run({ current: b }, readBot)), "notAuthentic")
      assert.strictEqual(yield* reasonOf(run({ current: b }, (store) => store.save(installation))), "notAuthentic")
      const error = yield* Effect.flip(run({ current: b }, readBot))
      assert.include(error.message, "A1/workspace/T1")
      assert.notInclude(error.message + JSON.stringify(error), before.slice(-20))
      yield* tamper(() => before)
    }
    assert.strictEqual(yield* dump, intact)
    assert.strictEqual(yield* run({ current: b }, readBot), "xoxb-test-planted-bot")

    // what does not open can be removed, and installed again
    yield* tamper((_, other) => other)
    assert.isTrue(yield* run({ current: b }, (store) => store.remove(installation.key)))
    const again = yield* run({ current: b }, (store) => store.save(installation))
    assert.strictEqual(Option.getOrThrow(again.bot).generation, 2)
  })

const reencryptWith = (store: InstallationStore.Service) =>
  Effect.provideService(InstallationStore.reencrypt, InstallationStore.InstallationStore, store)

describe("a store with a cipher", () => {
  for (const [name, url] of Object.entries(databases)) {
    it.scopedLive(`in ${name} stores no secret as plain text, and decrypts no row that was moved`, () =>
      Effect.gen(function*() {
        const database = Layer.succeedContext(yield* Layer.build(connect(url)))
        const run: Run = (keys, program) =>
          Effect.scoped(Effect.gen(function*() {
            const context = yield* Layer.build(
              SqlInstallationStore.layer.pipe(Layer.provide(database), Layer.provide(cipherLayer(keys)), Layer.orDie)
            )
            return yield* program(Context.get(context, InstallationStore.InstallationStore))
          }))
        yield* Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const secretOf = (installation: string) =>
            Effect.map(
              sql<{ secret: string }>`SELECT secret FROM slack_oauth_installations
                WHERE installation = ${installation} AND subject = 'bot'`,
              ([row]) => row!.secret
            )
          yield* behaviour(
            run,
            Effect.orDie(Effect.map(
              sql`SELECT * FROM slack_oauth_installations ORDER BY installation, subject`,
              (rows) => JSON.stringify(rows, (_, value) => typeof value === "bigint" ? String(value) : value)
            )),
            (change) =>
              Effect.orDie(Effect.gen(function*() {
                const secret = change(yield* secretOf("A1/workspace/T1"), yield* secretOf("A1/workspace/T2"))
                yield* sql`UPDATE slack_oauth_installations SET secret = ${secret}
                  WHERE installation = 'A1/workspace/T1' AND subject = 'bot'`
              }))
          )
        }).pipe(Effect.provide(database))
      }))
  }

  it.live("in a KeyValueStore stores no secret as plain text, and decrypts no row that was moved", () =>
    Effect.gen(function*() {
      const values = new Map<string, string>()
      const storage = Layer.succeed(
        KeyValueStore.KeyValueStore,
        KeyValueStores.make({
          get: (key) => Effect.sync(() => values.get(key)),
          set: (key, value) => Effect.sync(() => values.set(key, value)),
          remove: (key) => Effect.sync(() => values.delete(key))
        })
      )
      const run: Run = (keys, program) =>
        Effect.scoped(Effect.flatMap(
          Layer.build(
            KeyValueInstallationStore.layer.pipe(Layer.provide(storage), Layer.provide(cipherLayer(keys)))
          ),
          (context) => program(Context.get(context, InstallationStore.InstallationStore))
        ))
      const row = (teamId: string) => `slack-oauth.store.row.A1/workspace/${teamId}`
      const sealedIn = (teamId: string) => values.get(row(teamId))!.replace(/^\d+ \d+ /, "")
      yield* behaviour(
        run,
        Effect.sync(() => JSON.stringify(Array.from(values))),
        (change) =>
          Effect.sync(() => {
            const text = change(sealedIn("T1"), sealedIn("T2"))
            const framed = `${text.length + 2} 1 ${text}`
            for (const copy of [row("T1"), `${row("T1")}.next`]) values.set(copy, framed)
          })
      )
    }))

  it.effect("warns once, at the start, if it stores plain text", () =>
    Effect.gen(function*() {
      const said: Array<string> = []
      const logger = Observers.logger(({ level, message }) => said.push(`${Observers.labelOf(level)} ${message}`))
      yield* Effect.gen(function*() {
        const store = yield* InstallationStore.InstallationStore
        yield* store.save(installation)
        yield* store.get(installation.key)
      }).pipe(
        Effect.provide(KeyValueInstallationStore.layer),
        Effect.provide(KeyValueStore.layerMemory),
        Effect.provide(TokenCipher.layerPlain),
        Observers.withLoggers(logger)
      )
      assert.deepStrictEqual(said, [
        "WARN Slack tokens are stored in plain text. Set SLACK_TOKEN_KEYS to encrypt them."
      ])
    }))
})
