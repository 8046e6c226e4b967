import { assert, describe, it } from "@effect/vitest"
import { Cause, ConfigProvider, Effect, Either, FastCheck, Inspectable, Layer, Redacted } from "effect"
import { SlackApp } from "effect-slack-oauth"
import { inspect } from "node:util"

const clientId = "1.2"
const clientSecret = "test-secret-CANARY"

const baseUrlOf = (baseUrl: string | URL | undefined) =>
  Either.map(SlackApp.make({ clientId, clientSecret, baseUrl }), ({ baseUrl }) => baseUrl)

const accepted = (baseUrl: string | URL | undefined): string => Either.getOrThrow(baseUrlOf(baseUrl))

const refusal = (baseUrl: string): string => String(Either.getOrThrow(Either.flip(baseUrlOf(baseUrl))))

const fromEnv = (env: Record<string, string>) =>
  SlackApp.SlackApp.pipe(
    Effect.provide(SlackApp.layerConfig),
    Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(env))))
  )

describe("SlackApp", () => {
  describe("make", () => {
    it("takes an id and a secret, and speaks to slack.com", () => {
      const app = Either.getOrThrow(SlackApp.make({ clientId, clientSecret }))
      assert.strictEqual(app.clientId, clientId)
      assert.strictEqual(app.clientSecret && Redacted.value(app.clientSecret), clientSecret)
      assert.strictEqual(app.baseUrl, "https://slack.com")
    })

    it("takes a secret that is wrapped already", () => {
      const secret = Redacted.make(clientSecret)
      assert.strictEqual(Either.getOrThrow(SlackApp.make({ clientId, clientSecret: secret })).clientSecret, secret)
    })

    it("takes no secret for a public client", () => {
      assert.notProperty(Either.getOrThrow(SlackApp.make({ clientId })), "clientSecret")
      assert.notProperty(Either.getOrThrow(SlackApp.make({ clientId, clientSecret: undefined })), "clientSecret")
    })

    it("is an effect too", () =>
      Effect.gen(function*() {
        const app = yield* SlackApp.make({ clientId })
        assert.strictEqual(app.clientId, clientId)
      }).pipe(Effect.runPromise))

    it("refuses an id that is empty or has white space in it, and says which setting it is", () => {
      for (const id of ["", " ", "\t", "1 2", "1.2\n"]) {
        const error = Either.getOrThrow(Either.flip(SlackApp.make({ clientId: id, clientSecret })))
        assert.match(String(error), /clientId/)
        assert.match(String(error), /client id (?:is empty|has white space)/)
      }
    })

    it("refuses a secret that is empty or has white space in it, and never shows it", () => {
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

  describe("the base URL", () => {
    it("is https, anywhere", () => {
      assert.strictEqual(accepted(undefined), "https://slack.com")
      assert.strictEqual(accepted("https://slack-gov.com"), "https://slack-gov.com")
      assert.strictEqual(accepted(new URL("https://slack-gov.com/")), "https://slack-gov.com")
      assert.strictEqual(accepted("https://example.com:8443/prefix/"), "https://example.com:8443/prefix")
      assert.strictEqual(accepted("HTTPS://Example.COM//"), "https://example.com")
    })

    it("is plain http on loopback only", () => {
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

    it("is a URL, and nothing but the place", () => {
      for (const url of ["", "slack.com", "//slack.com", "https://", "not a url"]) {
        assert.match(refusal(url), /not a URL|must be https/)
      }
      assert.match(refusal("https://user:test-password@slack.com"), /user name or password/)
      assert.match(refusal("https://slack.com/?a=1"), /query or a fragment/)
      assert.match(refusal("https://slack.com/#a"), /query or a fragment/)
      assert.match(refusal("https://slack.com/api"), /leave out \/api/)
      assert.match(refusal("https://slack.com/api/"), /leave out \/api/)
    })

    it("is not repeated when it carries a password", () => {
      const error = Either.getOrThrow(Either.flip(baseUrlOf("https://user:test-password@slack.com")))
      assert.notInclude(inspect(error, { depth: null }) + String(error), "test-password")
    })

    it("never has a slash at the end, whatever was written", () => {
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
        assert.strictEqual(error._op, "InvalidData")
      }).pipe(Effect.scoped))
  })

  describe("layerConfig", () => {
    it.effect("reads the three variables", () =>
      Effect.gen(function*() {
        const app = yield* fromEnv({
          SLACK_CLIENT_ID: clientId,
          SLACK_CLIENT_SECRET: clientSecret,
          SLACK_BASE_URL: "http://localhost:3000/"
        })
        assert.strictEqual(app.clientId, clientId)
        assert.strictEqual(app.clientSecret && Redacted.value(app.clientSecret), clientSecret)
        assert.strictEqual(app.baseUrl, "http://localhost:3000")
      }))

    it.effect("does without secret and base URL", () =>
      Effect.gen(function*() {
        const app = yield* fromEnv({ SLACK_CLIENT_ID: clientId })
        assert.deepStrictEqual(app, { clientId, baseUrl: "https://slack.com" })
      }))

    const wrong: ReadonlyArray<readonly [promise: string, variable: string, env: Record<string, string>]> = [
      ["a missing id", "SLACK_CLIENT_ID", { SLACK_CLIENT_SECRET: clientSecret }],
      ["an empty id", "SLACK_CLIENT_ID", { SLACK_CLIENT_ID: "", SLACK_CLIENT_SECRET: clientSecret }],
      ["an id with a space", "SLACK_CLIENT_ID", { SLACK_CLIENT_ID: "1 2", SLACK_CLIENT_SECRET: clientSecret }],
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
          for (const other of ["SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "SLACK_BASE_URL"]) {
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

    it.effect("reads them under the prefix of an application", () =>
      Effect.gen(function*() {
        const app = yield* SlackApp.SlackApp.pipe(
          Effect.provide(SlackApp.layerConfig),
          Effect.withConfigProvider(
            ConfigProvider.fromMap(new Map([["APP.SLACK_CLIENT_ID", clientId]])).pipe(
              ConfigProvider.nested("APP")
            )
          )
        )
        assert.strictEqual(app.clientId, clientId)
      }))
  })

  it("does not show its secret when it is printed", () => {
    const app = Either.getOrThrow(SlackApp.make({ clientId, clientSecret }))
    const said = [inspect(app, { depth: null, showHidden: true }), JSON.stringify(app), Inspectable.format(app)]
    for (const text of said) assert.notInclude(text, "CANARY")
  })
})
