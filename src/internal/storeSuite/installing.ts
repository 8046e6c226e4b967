/** Cases of `save`, `get` and `find`. */
import { assert } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Installation from "../../Installation.js"
import * as InstallationStore from "../../InstallationStore.js"
import { IncomingWebhook } from "../../TokenResponse.js"
import { botToken, install, t0, userToken } from "./fixtures.js"
import { after, type Case, generationOf, infos, isDead, keysOf, renewed, show, tokenOf } from "./support.js"

export const installing: ReadonlyArray<Case> = [
  ["is empty at first", (store, appId) =>
    Effect.gen(function*() {
      const key = Installation.workspace(appId, "T1")
      assert.isTrue(Option.isNone(yield* store.get(key)))
      assert.isTrue(Option.isNone(yield* store.credential(Installation.botKey(key))))
      assert.isFalse(yield* store.remove(key))
      assert.isFalse(yield* store.removeCredential(Installation.botKey(key)))
    })],

  ["stores every kind of installation without loss", (store, appId) =>
    Effect.gen(function*() {
      const webhook = new IncomingWebhook({
        url: Redacted.make("https://hooks.slack.com/services/T1/B1/test"),
        channel: "#general",
        channelId: Option.some("C1"),
        configurationUrl: "https://example.slack.com/services/B1"
      })
      const shapes = [
        install({ appId, teamId: "T1", bot: botToken("b", after("12 hours")), user: ["U1", userToken("u")] }),
        install({ appId, teamId: "T2", bot: botToken("b") }),
        install({ appId, teamId: "T3", user: ["U1", userToken("u", after("12 hours"))] }),
        install({ appId, teamId: "T4", enterpriseId: "E9", bot: botToken("b"), webhook }),
        install({ appId, teamId: "T5", bot: botToken("b"), metadata: "{\"customer\":\"Größe 💚\"}" }),
        install({ appId, teamId: "T6", bot: botToken("b"), webhook, metadata: "null" }),
        install({ appId, enterpriseId: "E1", bot: botToken("b") })
      ]
      for (const shape of shapes) {
        const saved = yield* store.save(shape)
        const expected = Installation.withCredentials(
          shape,
          shape.credentials.map((credential) => Installation.atGeneration(credential, 1))
        )
        assert.deepStrictEqual(show(Option.some(saved)), show(Option.some(expected)))
        assert.deepStrictEqual(show(yield* store.get(shape.key)), show(Option.some(expected)))
        for (const credential of expected.credentials) {
          const key = new Installation.CredentialKey({
            installation: shape.key,
            subject: Installation.subjectOf(credential)
          })
          assert.strictEqual(tokenOf(yield* store.credential(key)), Redacted.value(credential.token.accessToken))
        }
      }
    })],

  ["keeps the latest bot token, whoever installed", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("first"), by: "U1" }))
      yield* store.save(install({ appId, teamId: "T1", bot: botToken("second"), by: "U2", at: after("1 minute") }))
      const found = Option.getOrThrow(yield* store.get(key))
      assert.strictEqual(tokenOf(found.bot), "xoxb-test-second")
      assert.strictEqual(generationOf(found.bot), 2)
      assert.strictEqual(Option.getOrUndefined(found.installedBy), "U2")
      assert.isTrue(DateTime.Equivalence(found.installedAt, after("1 minute")))
    })],

  ["keeps the user tokens of other people when a person installs", (store, appId) =>
    Effect.gen(function*() {
      const user = (id: string, name: string) =>
        install({ appId, teamId: "T1", bot: botToken(name), user: [id, userToken(name)] })
      const { key } = yield* store.save(user("U1", "one"))
      yield* store.save(user("U2", "two"))
      yield* store.save(user("U1", "three"))
      const found = Option.getOrThrow(yield* store.get(key))
      assert.deepStrictEqual([tokenOf(found.user("U1")), generationOf(found.user("U1"))], ["xoxp-test-three", 2])
      assert.deepStrictEqual([tokenOf(found.user("U2")), generationOf(found.user("U2"))], ["xoxp-test-two", 1])
      assert.deepStrictEqual([tokenOf(found.bot), generationOf(found.bot)], ["xoxb-test-three", 3])
      assert.strictEqual(found.users.length, 2)
    })],

  ["keeps the bot credential and the webhook when an install has none", (store, appId) =>
    Effect.gen(function*() {
      const webhook = new IncomingWebhook({
        url: Redacted.make("https://hooks.slack.com/services/T1/B1/test"),
        channel: "#general",
        channelId: Option.none(),
        configurationUrl: "https://example.slack.com/services/B1"
      })
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("bot"), webhook }))
      yield* store.save(install({ appId, teamId: "T1", user: ["U2", userToken("user")], at: after("1 minute") }))
      const found = Option.getOrThrow(yield* store.get(key))
      assert.deepStrictEqual([tokenOf(found.bot), generationOf(found.bot)], ["xoxb-test-bot", 1])
      assert.strictEqual(tokenOf(found.user("U2")), "xoxp-test-user")
      assert.isTrue(
        Option.exists(found.incomingWebhook, ({ url }) => Redacted.value(url) === Redacted.value(webhook.url))
      )
    })],

  [
    "keeps the metadata when an install has none, replaces it when it has some, and removes it",
    (store, appId) =>
      Effect.gen(function*() {
        const of = (metadata?: string) =>
          install({ appId, teamId: "T1", bot: botToken("bot"), ...metadata === undefined ? undefined : { metadata } })
        const { key } = yield* store.save(of("1"))
        const stored = Effect.map(
          store.get(key),
          (found) => Option.map(Option.flatMap(found, ({ metadata }) => metadata), Redacted.value)
        )
        yield* store.save(of())
        assert.deepStrictEqual(yield* stored, Option.some("1"))
        yield* store.save(of("2"))
        assert.deepStrictEqual(yield* stored, Option.some("2"))
        yield* store.save(of("3"), { existing: "keep" })
        assert.deepStrictEqual(yield* stored, Option.some("2"))
        yield* store.remove(key)
        yield* store.save(of())
        assert.deepStrictEqual(yield* stored, Option.none())
      })
  ],

  ["keeps the later time of two installs that are saved in reverse order", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("a"), at: after("1 hour") }))
      yield* store.save(install({ appId, teamId: "T1", bot: botToken("b"), at: t0 }))
      assert.isTrue(DateTime.Equivalence(Option.getOrThrow(yield* store.get(key)).installedAt, after("1 hour")))
    })],

  ["removes a credential's dead mark on a new install", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("a") })
      const bot = Installation.botKey(installation.key)
      yield* store.save(installation)
      yield* store.compareAndSet(bot, 1, Installation.Change.Dead({ code: "token_revoked", since: after("1 minute") }))
      assert.isTrue(isDead(yield* store.credential(bot)))
      yield* store.save(installation)
      assert.isFalse(isDead(yield* store.credential(bot)))
    })],

  [
    "changes no credential when an install is saved again that was saved before",
    (store, appId) =>
      Effect.gen(function*() {
        const of = (name: string) =>
          install({
            appId,
            teamId: "T1",
            bot: botToken(name, after("12 hours")),
            user: ["U1", userToken(name, after("12 hours"))]
          })
        const first = of("first")
        const bot = Installation.botKey(first.key)
        yield* store.save(first)
        // Nothing has changed since, so a refresh that is under way can store its answer.
        assert.deepStrictEqual((yield* store.save(first)).credentials.map(({ generation }) => generation), [1, 1])
        yield* store.compareAndSet(bot, 1, renewed("second"))
        const saved = yield* store.save(first)
        assert.deepStrictEqual([tokenOf(saved.bot), generationOf(saved.bot)], ["xoxb-test-second", 2])
        assert.deepStrictEqual(show(yield* store.get(first.key)), show(Option.some(saved)))
        yield* store.compareAndSet(bot, 2, renewed("third"))
        yield* store.save(first)
        assert.strictEqual(tokenOf(yield* store.credential(bot)), "xoxb-test-third")
        // Another install replaces it, and then the first one does not come back.
        for (const name of ["a", "b", "c", "d", "e", "f", "g"]) {
          assert.strictEqual(tokenOf((yield* store.save(of(name))).bot), `xoxb-test-${name}`)
        }
        assert.strictEqual(tokenOf((yield* store.save(first)).bot), "xoxb-test-g")
        // A dead credential stays dead, because its refresh token was refused. A removed one is stored again.
        yield* store.compareAndSet(bot, 10, Installation.Change.Dead({ code: "token_revoked", since: after("1 hour") }))
        assert.isTrue(isDead((yield* store.save(of("g"))).bot))
        yield* store.removeCredential(bot)
        assert.strictEqual(tokenOf((yield* store.save(first)).bot), "xoxb-test-first")
      })
  ],

  ["separates apps, workspaces and organizations", (store, appId) =>
    Effect.gen(function*() {
      const other = `${appId}X`
      yield* store.save(install({ appId, teamId: "X1", bot: botToken("workspace") }))
      yield* store.save(install({ appId, enterpriseId: "X1", bot: botToken("organization") }))
      yield* store.save(install({ appId: other, teamId: "X1", bot: botToken("other") }))
      const token = (key: Installation.InstallationKey) =>
        Effect.map(store.credential(Installation.botKey(key)), tokenOf)
      assert.strictEqual(yield* token(Installation.workspace(appId, "X1")), "xoxb-test-workspace")
      assert.strictEqual(yield* token(Installation.organization(appId, "X1")), "xoxb-test-organization")
      assert.strictEqual(yield* token(Installation.workspace(other, "X1")), "xoxb-test-other")
    })],

  [
    "finds the workspace's installation, otherwise its organization's",
    (store, appId) =>
      Effect.gen(function*() {
        const find = (place: Omit<Installation.Place, "appId">) =>
          Effect.map(
            Effect.provideService(
              InstallationStore.find({ appId, ...place }),
              InstallationStore.InstallationStore,
              store
            ),
            (found) => tokenOf(Option.flatMap(found, ({ bot }) => bot))
          )
        yield* store.save(install({ appId, enterpriseId: "E1", bot: botToken("organization") }))
        yield* store.save(install({ appId, teamId: "T1", enterpriseId: "E1", bot: botToken("workspace") }))
        assert.strictEqual(yield* find({ teamId: "T1", enterpriseId: "E1" }), "xoxb-test-workspace")
        assert.strictEqual(yield* find({ teamId: "T1" }), "xoxb-test-workspace")
        assert.strictEqual(yield* find({ teamId: "T2", enterpriseId: "E1" }), "xoxb-test-organization")
        assert.strictEqual(yield* find({ teamId: null, enterpriseId: "E1" }), "xoxb-test-organization")
        assert.strictEqual(
          yield* find({ teamId: "T1", enterpriseId: "E1", isEnterpriseInstall: true }),
          "xoxb-test-organization"
        )
        assert.strictEqual(yield* find({ teamId: "T2" }), undefined)
        assert.strictEqual(yield* find({ teamId: "T2", enterpriseId: "E2" }), undefined)
      })
  ],

  [
    "finds the first installation with a usable credential",
    (store, appId) =>
      Effect.gen(function*() {
        const place = { appId, teamId: "T1", enterpriseId: "E1" }
        const found = (options?: { readonly subject: string }) =>
          InstallationStore.find(place, options).pipe(
            Effect.provideService(InstallationStore.InstallationStore, store),
            Effect.map(Option.match({ onNone: () => "nothing", onSome: ({ target }) => target._tag }))
          )
        const kill = (key: Installation.CredentialKey) =>
          store.compareAndSet(key, 1, Installation.Change.Dead({ code: "invalid_refresh_token", since: t0 }))

        const person = ["U1", userToken("person")] as const
        const workspace = install({ appId, teamId: "T1", bot: botToken("workspace"), user: person })
        const organization = install({ appId, enterpriseId: "E1", bot: botToken("organization") })
        yield* store.save(workspace)
        yield* store.save(organization)
        assert.strictEqual(yield* found(), "Workspace")
        yield* store.removeCredential(Installation.botKey(workspace.key))
        assert.strictEqual(yield* found(), "Organization")
        assert.strictEqual(yield* found({ subject: "U1" }), "Workspace")

        yield* kill(Installation.botKey(organization.key))
        assert.strictEqual(yield* found(), "Workspace")
        yield* kill(Installation.userKey(workspace.key, "U1"))
        assert.strictEqual(yield* found(), "Workspace")
        yield* store.remove(workspace.key)
        assert.strictEqual(yield* found(), "Organization")
        yield* store.remove(organization.key)
        assert.strictEqual(yield* found(), "nothing")
      })
  ],

  ["accepts ids and names with special characters", (store, appId) =>
    Effect.gen(function*() {
      const odds = ["a/b", "a%2Fb", "workspace", "'; DROP TABLE x; --", "ü💚", "a\\b", " ", "_%"]
      for (const odd of odds) {
        const installation = install({
          appId,
          teamId: odd,
          name: odd,
          bot: botToken(odd),
          user: [odd, userToken(odd, after("12 hours"))]
        })
        yield* store.save(installation)
        const found = Option.getOrThrow(yield* store.get(installation.key))
        assert.strictEqual(tokenOf(found.bot), `xoxb-test-${odd}`)
        assert.strictEqual(tokenOf(found.user(odd)), `xoxp-test-${odd}`)
        const user = Installation.userKey(installation.key, odd)
        assert.strictEqual(tokenOf(yield* store.credential(user)), `xoxp-test-${odd}`)
      }
      const found = keysOf(yield* infos(store, appId, { state: "rotating" }))
      assert.sameMembers(
        found,
        odds.map((odd) => String(Installation.userKey(Installation.workspace(appId, odd), odd)))
      )
    })],

  ["stores a thousand people in one installation", (store, appId) =>
    Effect.gen(function*() {
      const one = install({ appId, enterpriseId: "E1", bot: botToken("bot") })
      const users = Array.from({ length: 1000 }, (_, n) =>
        install({ appId, enterpriseId: "E1", user: [`U${n}`, userToken(`${n}`)] }).users[0]!)
      yield* store.save(Installation.withCredentials(one, [...one.credentials, ...users]))
      const found = Option.getOrThrow(yield* store.get(one.key))
      assert.strictEqual(found.users.length, 1000)
      assert.strictEqual(tokenOf(found.user("U999")), "xoxp-test-999")
      assert.isTrue(yield* store.remove(one.key))
    })]
]
