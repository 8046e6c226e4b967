import { assert, describe, it } from "@effect/vitest"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { invalidPath, missingPath } from "./utils/effect/configErrors.js"
import * as Observers from "./utils/effect/observers.js"
import * as Texts from "./utils/effect/texts.js"

const clientId = "1.2"
const clientSecret = "test-secret-CANARY"

const baseUrlOf = (baseUrl: string | URL | undefined) =>
  Either.map(SlackApp.make({ clientId, clientSecret, baseUrl }), ({ baseUrl }) => baseUrl)

const accepted = (baseUrl: string | URL | undefined): string => Either.getOrThrow(baseUrlOf(baseUrl))

const refusal = (baseUrl: string): string => String(Either.getOrThrow(Either.flip(baseUrlOf(baseUrl))))

const refusalOf = (options: unknown): string =>
  String(Either.getOrThrow(Either.flip(SlackApp.make(options as SlackApp.Options))))

/** Mistakes that can happen to every setting, and the words of the error. */
const mistakes: ReadonlyArray<readonly [mistake: string, change: (value: string) => unknown, words: RegExp]> = [
  ["is in quotation marks", (value) => `"${value}"`, /has a quotation mark in it. Copy it again/],
  ["is in apostrophes", (value) => `'${value}'`, /has a quotation mark in it/],
  ["is in typographic quotation marks", (value) => `“${value}”`, /has a quotation mark in it/],
  ["lost the second quotation mark", (value) => `"${value}`, /has a quotation mark in it/],
  [
    "is a shell variable that was not replaced",
    () => "${SLACK_SETTING}",
    /placeholder that was not replaced. Copy it again/
  ],
  ["is a variable without braces", () => "$SLACK_SETTING", /placeholder/],
  ["is a template that was not filled in", () => "{{ .Values.slack }}", /placeholder/],
  ["is a Windows variable that was not replaced", () => "%SLACK_SETTING%", /placeholder/],
  ["was left as the manual has it", () => "<your value here>", /placeholder/],
  ["has a zero-width space in it", (value) => `${value}\u200b`, /invisible character in it. Copy it again/],
  ["begins with a byte order mark", (value) => `\ufeff${value}`, /invisible character/],
  ["has a soft hyphen in it", (value) => `${value.slice(0, 1)}\u00ad${value.slice(1)}`, /invisible character/],
  ["has a zero byte in it", (value) => `${value}\0`, /invisible character/],
  ["ends with a line break", (value) => `${value}\n`, /white space in it. Copy it again/],
  ["has a no-break space in it", (value) => `${value}\u00a0`, /white space/],
  ["is the text of a missing value", () => String(undefined), /is the word for a missing value/],
  ["is empty", () => "", /is empty/],
  ["is null", () => null, /is missing/],
  ["is a number", () => 1.5, /is not text. Copy it again, and quote it/]
]

const fromEnv = (env: Record<string, string>, layer = SlackApp.layerConfig) =>
  SlackApp.SlackApp.pipe(
    Effect.provide(layer),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env))))
  )

describe("SlackApp", () => {
  describe("make", () => {
    it("accepts an id and a secret, and uses slack.com", () => {
      const app = Either.getOrThrow(SlackApp.make({ clientId, clientSecret }))
      assert.strictEqual(app.clientId, clientId)
      assert.strictEqual(app.clientSecret && Redacted.value(app.clientSecret), clientSecret)
      assert.strictEqual(app.baseUrl, "https://slack.com")
    })

    it("accepts a secret that is Redacted already", () => {
      const secret = Redacted.make(clientSecret)
      assert.strictEqual(Either.getOrThrow(SlackApp.make({ clientId, clientSecret: secret })).clientSecret, secret)
    })

    it("accepts a public client without a secret", () => {
      assert.notProperty(Either.getOrThrow(SlackApp.make({ clientId })), "clientSecret")
      assert.notProperty(Either.getOrThrow(SlackApp.make({ clientId, clientSecret: undefined })), "clientSecret")
    })

    it("is an effect too", () =>
      Effect.gen(function*() {
        const app = yield* SlackApp.make({ clientId })
        assert.strictEqual(app.clientId, clientId)
      }).pipe(Effect.runPromise))

    it("refuses an id that is empty or contains white space, and names the setting", () => {
      for (const id of ["", " ", "\t", "1 2", "1.2\n"]) {
        const error = Either.getOrThrow(Either.flip(SlackApp.make({ clientId: id, clientSecret })))
        assert.match(String(error), /clientId/)
        assert.match(String(error), /client id (?:is empty|has white space)/)
      }
    })

    it("refuses a secret that is empty or contains white space, and does not show it", () => {
      for (const secret of ["", `${clientSecret}\n`, ` ${clientSecret}`, Redacted.make(`${clientSecret} `)]) {
        const error = Either.getOrThrow(Either.flip(SlackApp.make({ clientId, clientSecret: secret })))
        assert.match(String(error), /clientSecret/)
        assert.match(String(error), /client secret (?:is empty|has white space)/)
        for (const text of [String(error), JSON.stringify(error), inspect(error, { depth: null, showHidden: true })]) {
          assert.notInclude(text, "CANARY")
        }
      }
    })
  })

  it("refuses an id that is wrapped as a secret: it would be sent as the text <redacted>", () => {
    const wrapped = (value: string): any => Redacted.make(value)
    assert.match(refusalOf({ clientId: wrapped(clientId) }), /The client id is not text/)
    assert.match(refusalOf({ clientId, appId: wrapped("A0123ABCDEF") }), /The app id is not text/)
  })

  describe("an id that Slack cannot have issued", () => {
    const ids: ReadonlyArray<readonly [what: string, id: string, words: RegExp]> = [
      [
        "a number that a parser shortened",
        "6.2e+11",
        /is a number that a parser has changed. Copy it again, and quote it in YAML and JSON/
      ],
      ["a number with a capital E", "6.28987376727629E11", /number that a parser has changed/],
      ["a number without its second half", "628987376727", /number that a parser has changed/],
      ["a number with a comma", "628987376727,629012345678", /number that a parser has changed/],
      ["a number with a dot at its end", "628987376727.", /number that a parser has changed/],
      ["a number with a sign", "-123456.7890", /number that a parser has changed/],
      ["an app id", "A0123ABCDEF", /is an app id. Copy it again/],
      ["a client secret", "0123456789abcdef0123456789abcdef", /is a secret. Copy it again/],
      ["a token", "xoxb-test-token", /is a secret. Copy it again/]
    ]
    for (const [what, id, words] of ids) {
      it(`is refused when it is ${what}`, () => {
        const error = refusalOf({ clientId: id, clientSecret })
        assert.match(error, words)
        assert.match(error, /\bclientId\b/)
        assert.notInclude(error, id)
      })
    }

    for (const [mistake, change, words] of mistakes) {
      it(`is refused when it ${mistake}`, () => {
        const error = refusalOf({ clientId: change("123456.7890"), clientSecret })
        assert.match(error, words)
        assert.match(error, /The client id/)
      })
    }

    it("is refused when it is missing", () => {
      assert.match(refusalOf({ clientSecret }), /The client id is missing/)
    })
  })

  describe("a secret that Slack cannot have issued", () => {
    for (const setting of ["clientSecret", "signingSecret"] as const) {
      for (const [mistake, change, words] of mistakes) {
        it(`is refused and not shown when the ${setting} ${mistake}`, () => {
          for (const wrap of [(value: unknown) => value, (value: unknown) => Redacted.make(value)]) {
            const value = change("test-secret-CANARY")
            const result = SlackApp.make({ clientId, [setting]: wrap(value) } as SlackApp.Options)
            const error = Either.getOrThrow(Either.flip(result))
            assert.match(String(error), words)
            assert.match(String(error), new RegExp(`\\b${setting}\\b`))
            for (const text of [String(error), JSON.stringify(error), inspect(error, { depth: null })]) {
              assert.notInclude(text, "CANARY")
            }
          }
        })
      }
    }

    it("does not make a public client of a null, or of a Redacted undefined", () => {
      const wrapped = { clientId, clientSecret: Redacted.make(undefined) }
      assert.match(refusalOf(wrapped), /The client secret is missing/)
      assert.match(refusalOf({ clientId, clientSecret: null }), /The client secret is missing/)
    })
  })

  describe("app id and signing secret", () => {
    it("are in the result, the secret as Redacted", () => {
      const app = Either.getOrThrow(SlackApp.make({ clientId, appId: "A0123ABCDEF", signingSecret: clientSecret }))
      assert.strictEqual(app.appId, "A0123ABCDEF")
      assert.strictEqual(app.signingSecret && Redacted.value(app.signingSecret), clientSecret)
      assert.notInclude(inspect(app, { depth: null }) + JSON.stringify(app), "CANARY")
    })

    it("are absent if they are not given", () => {
      const app = Either.getOrThrow(SlackApp.make({ clientId, appId: undefined, signingSecret: undefined }))
      assert.deepStrictEqual(app, { clientId, baseUrl: "https://slack.com" })
    })

    for (const appId of ["T0123ABCDEF", "a0123abcdef", "123456.7890", "A", "A0123-ABCDEF"]) {
      it(`are refused when the app id is ${appId}`, () => {
        assert.match(refusalOf({ clientId, appId }), /appId.*The app id is not one of Slack's, such as A0123ABCDEF/)
      })
    }

    for (const [mistake, change, words] of mistakes) {
      it(`are refused when the app id ${mistake}`, () => {
        assert.match(refusalOf({ clientId, appId: change("A0123ABCDEF") }), words)
      })
    }
  })

  describe("the warning about a client id", () => {
    const publicLayer = SlackApp.layerConfigPublic

    const warningsOf = (id: string) =>
      Effect.gen(function*() {
        const logged: Array<string> = []
        const logger = Observers.logger(({ level, message }) => {
          logged.push(`${Observers.labelOf(level)} ${String(message)}`)
        })
        const env = { SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: clientSecret }
        for (const layer of [SlackApp.layer({ clientId: id, clientSecret }), SlackApp.layerConfig, publicLayer]) {
          yield* Effect.ignore(Effect.scoped(Layer.build(layer))).pipe(
            Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env)))),
            Observers.withLoggers(logger)
          )
        }
        return logged
      })

    it.effect("says that a parser seems to have rounded it, for every layer", () =>
      Effect.gen(function*() {
        for (const id of ["628987376727.629", "2141029472.6912026", "628987376727.6"]) {
          const logged = yield* warningsOf(id)
          assert.strictEqual(logged.length, 3, id)
          for (const line of logged) {
            assert.match(line, /^WARN .*looks rounded by a parser. Copy it again, and quote it in YAML and JSON/)
            assert.include(line, id)
          }
        }
      }))

    it.effect("is not logged for ids that Slack issues", () =>
      Effect.gen(function*() {
        for (const id of ["1.2", "123456.7890", "2141029472.691202649728", "628987376727.629012345678"]) {
          assert.deepStrictEqual(yield* warningsOf(id), [], id)
        }
      }))

    it("is logged for every client id with two long halves that a float has rounded", () => {
      const half = (digits: number) => FastCheck.integer({ min: 10 ** (digits - 1), max: 10 ** digits - 1 })
      const ids = FastCheck.integer({ min: 9, max: 13 }).chain((digits) =>
        FastCheck.tuple(half(digits), half(12), FastCheck.integer({ min: 0, max: 9 }))
      )
      FastCheck.assert(FastCheck.property(ids, ([team, app, last]) => {
        const rounded = String(Number(`${team}.${app}${last}`))
        // Without digits after the dot it is refused.
        const warnings = rounded.includes(".") ? 3 : 0
        assert.strictEqual(Effect.runSync(warningsOf(rounded)).length, warnings, rounded)
      }))
    })
  })

  describe("the base URL", () => {
    it("may be https on any host", () => {
      assert.strictEqual(accepted(undefined), "https://slack.com")
      assert.strictEqual(accepted("https://slack-gov.com"), "https://slack-gov.com")
      assert.strictEqual(accepted(new URL("https://slack-gov.com/")), "https://slack-gov.com")
      assert.strictEqual(accepted("https://example.com:8443/prefix/"), "https://example.com:8443/prefix")
      assert.strictEqual(accepted("HTTPS://Example.COM//"), "https://example.com")
    })

    it("may be plain http on loopback only", () => {
      assert.strictEqual(accepted("http://localhost:3000"), "http://localhost:3000")
      assert.strictEqual(accepted("http://127.0.0.1:3000/"), "http://127.0.0.1:3000")
      assert.strictEqual(accepted("http://127.8.9.10"), "http://127.8.9.10")
      assert.strictEqual(accepted("http://[::1]:3000"), "http://[::1]:3000")
      assert.strictEqual(accepted("http://slack.localhost:3000"), "http://slack.localhost:3000")
      for (
        const url of [
          "http://slack.com",
          "http://127.0.0.1.example.com",
          "http://localhost.example.com",
          "http://notlocalhost",
          "http://10.0.0.1",
          "http://0.0.0.0",
          "ftp://localhost",
          "ws://localhost"
        ]
      ) {
        assert.match(refusal(url), /\bbaseUrl\b.*must be https/)
      }
    })

    it("must be a URL without a query, a fragment or a user", () => {
      for (const url of ["", "slack.com", "//slack.com", "https://", "not a url"]) {
        assert.match(refusal(url), /not a URL|must be https/)
      }
      assert.match(refusal("https://user:test-password@slack.com"), /user name or password/)
      assert.match(refusal("https://slack.com/?a=1"), /query or a fragment/)
      assert.match(refusal("https://slack.com/#a"), /query or a fragment/)
      assert.match(refusal("https://slack.com/api"), /leave out \/api/)
      assert.match(refusal("https://slack.com/api/"), /leave out \/api/)
    })

    it("is not in the error if it contains a password", () => {
      const error = Either.getOrThrow(Either.flip(baseUrlOf("https://user:test-password@slack.com")))
      assert.notInclude(inspect(error, { depth: null }) + String(error), "test-password")
    })

    it("has no slash at the end, whatever was given", () => {
      FastCheck.assert(FastCheck.property(FastCheck.webUrl({ validSchemes: ["https"] }), (url) => {
        const result = baseUrlOf(url)
        if (Either.isRight(result)) {
          assert.isFalse(result.right.endsWith("/"))
          assert.isTrue(URL.canParse(`${result.right}/api/oauth.v2.access`))
        }
      }))
    })
  })

  describe("layer", () => {
    it.effect("provides the app", () =>
      Effect.gen(function*() {
        const app = yield* SlackApp.SlackApp
        assert.strictEqual(app.baseUrl, "https://slack-gov.com")
      }).pipe(Effect.provide(SlackApp.layer({ clientId, clientSecret, baseUrl: "https://slack-gov.com" }))))

    it.effect("fails with a ConfigError", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Layer.build(SlackApp.layer({ clientId: "" })))
        assert.isDefined(invalidPath(error))
      }).pipe(Effect.scoped))
  })

  describe("layerConfig", () => {
    it.effect("reads its variables", () =>
      Effect.gen(function*() {
        const app = yield* fromEnv({
          SLACK_CLIENT_ID: clientId,
          SLACK_CLIENT_SECRET: clientSecret,
          SLACK_APP_ID: "A0123ABCDEF",
          SLACK_SIGNING_SECRET: "test-signing-CANARY",
          SLACK_BASE_URL: "http://localhost:3000/"
        })
        assert.strictEqual(app.appId, "A0123ABCDEF")
        assert.strictEqual(app.signingSecret && Redacted.value(app.signingSecret), "test-signing-CANARY")
        assert.strictEqual(app.clientId, clientId)
        assert.strictEqual(app.clientSecret && Redacted.value(app.clientSecret), clientSecret)
        assert.strictEqual(app.baseUrl, "http://localhost:3000")
      }))

    it.effect("works without app id, signing secret and base URL", () =>
      Effect.gen(function*() {
        const app = yield* fromEnv({ SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret })
        assert.hasAllKeys(app, ["clientId", "clientSecret", "baseUrl"])
      }))

    it.effect("does not make a public client if SLACK_CLIENT_SECRET is misspelt", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(fromEnv({ SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRT: clientSecret }))
        assert.deepStrictEqual(missingPath(error), ["SLACK_CLIENT_SECRET"])
        assert.include(String(error), "Expected SLACK_CLIENT_SECRET to exist")
      }))

    it.effect("names all that are missing, and an application may do without them", () =>
      Effect.gen(function*() {
        const text = String(yield* Effect.flip(fromEnv({})))
        assert.include(text, "SLACK_CLIENT_ID")
        assert.include(text, "SLACK_CLIENT_SECRET")
        const app = yield* Effect.withConfigProvider(Config.option(SlackApp.config), ConfigProvider.fromMap(new Map()))
        assert.isTrue(Option.isNone(app))
      }))

    const wrong: ReadonlyArray<readonly [promise: string, variable: string, env: Record<string, string>]> = [
      ["a missing id", "SLACK_CLIENT_ID", { SLACK_CLIENT_SECRET: clientSecret }],
      ["an empty id", "SLACK_CLIENT_ID", { SLACK_CLIENT_ID: "", SLACK_CLIENT_SECRET: clientSecret }],
      ["an id with a space", "SLACK_CLIENT_ID", { SLACK_CLIENT_ID: "1 2", SLACK_CLIENT_SECRET: clientSecret }],
      ["a missing secret", "SLACK_CLIENT_SECRET", { SLACK_CLIENT_ID: clientId }],
      ["a quoted signing secret", "SLACK_SIGNING_SECRET", {
        SLACK_CLIENT_ID: clientId,
        SLACK_CLIENT_SECRET: clientSecret,
        SLACK_SIGNING_SECRET: `"${clientSecret}"`
      }],
      ["an app id that is none", "SLACK_APP_ID", {
        SLACK_CLIENT_ID: clientId,
        SLACK_CLIENT_SECRET: clientSecret,
        SLACK_APP_ID: "T0123"
      }],
      ["an empty secret", "SLACK_CLIENT_SECRET", { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: "" }],
      ["a secret with a line break", "SLACK_CLIENT_SECRET", {
        SLACK_CLIENT_ID: clientId,
        SLACK_CLIENT_SECRET: `${clientSecret}\n`
      }],
      ["a base URL without https", "SLACK_BASE_URL", {
        SLACK_CLIENT_ID: clientId,
        SLACK_CLIENT_SECRET: clientSecret,
        SLACK_BASE_URL: "http://slack.com"
      }],
      ["a base URL that is none", "SLACK_BASE_URL", {
        SLACK_CLIENT_ID: clientId,
        SLACK_CLIENT_SECRET: clientSecret,
        SLACK_BASE_URL: "slack"
      }]
    ]
    for (const [promise, variable, env] of wrong) {
      it.effect(`${promise} is an error that names ${variable}, and no secret`, () =>
        Effect.gen(function*() {
          const error = yield* Effect.flip(fromEnv(env))
          assert.include(String(error), variable)
          for (const other of Object.keys(env)) {
            if (other !== variable) assert.notInclude(String(error), other)
          }
          const said = [
            String(error),
            JSON.stringify(error),
            inspect(error, { depth: null, showHidden: true }),
            Cause.pretty(Cause.fail(error))
          ]
          for (const text of said) assert.notInclude(text, "CANARY")
        }))
    }

    it.effect("reads them with the prefix of an application", () =>
      Effect.gen(function*() {
        const app = yield* SlackApp.SlackApp.pipe(
          Effect.provide(SlackApp.layerConfig),
          Effect.withConfigProvider(
            ConfigProvider.fromJson({ APP: { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret } }).pipe(
              ConfigProvider.nested("APP")
            )
          )
        )
        assert.strictEqual(app.clientId, clientId)
      }))
  })

  describe("layerConfigPublic", () => {
    it.effect("makes a public client, even if a secret is set", () =>
      Effect.gen(function*() {
        const app = yield* fromEnv(
          { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret, SLACK_BASE_URL: "https://slack-gov.com" },
          SlackApp.layerConfigPublic
        )
        assert.deepStrictEqual(app, { clientId, baseUrl: "https://slack-gov.com" })
      }))

    it.effect("refuses the same mistakes", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(fromEnv({ SLACK_CLIENT_ID: "6.2e+11" }, SlackApp.layerConfigPublic))
        assert.match(String(error), /SLACK_CLIENT_ID.*parser/)
      }))
  })

  it("does not show its secret when it is printed", () => {
    const app = Either.getOrThrow(SlackApp.make({ clientId, clientSecret }))
    const said = [inspect(app, { depth: null, showHidden: true }), JSON.stringify(app), ...Texts.ofValue(app)]
    for (const text of said) assert.notInclude(text, "CANARY")
  })
})
