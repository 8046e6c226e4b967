import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Option from "effect/Option"
import { botToken, install, userToken } from "../src/internal/storeSuite/fixtures.js"
import * as Properties from "./utils/effect/properties.js"

const appId = "A0TEST"
const at = (seconds: number) => DateTime.unsafeMake(seconds * 1000)
const workspace = Installation.workspace(appId, "T1")

const installed = (seconds: number, name = `at-${seconds}`) =>
  install({ appId, teamId: "T1", bot: botToken(name), user: ["U1", userToken(name)], at: at(seconds) })

const uninstalled = (seconds: number, more: object = {}) => ({
  token: "verification-token",
  type: "event_callback",
  api_app_id: appId,
  team_id: "T1",
  event: { type: "app_uninstalled" },
  event_id: `Ev${seconds}`,
  event_time: seconds,
  ...more
})

const revoked = (seconds: number, tokens: object) => uninstalled(seconds, { event: { type: "tokens_revoked", tokens } })

const subjects = Effect.map(
  InstallationStore.get(workspace),
  Option.map(({ credentials }) => credentials.map(Installation.subjectOf))
)

const test = <E>(name: string, run: () => Effect.Effect<void, E, InstallationStore.InstallationStore>) =>
  it.effect(name, () => Effect.provide(run(), InstallationStore.layerMemory))

describe("app_uninstalled", () => {
  test("removes an installation that is older than the event", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100))
      const result = yield* Lifecycle.handle(uninstalled(101))
      assert.deepStrictEqual(result, Lifecycle.Outcome.Removed({ installation: workspace, credentials: [] }))
      assert.isTrue(Option.isNone(yield* InstallationStore.get(workspace)))
    }))

  test("changes nothing the second time", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100))
      yield* Lifecycle.handle(uninstalled(101))
      assert.strictEqual((yield* Lifecycle.handle(uninstalled(101)))._tag, "Unchanged")
    }))

  test("changes nothing when it arrives after a reinstall", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100))
      yield* InstallationStore.save(
        install({ appId, teamId: "T1", user: ["U2", userToken("other")], at: at(100) })
      )
      yield* InstallationStore.save(installed(200))
      assert.strictEqual((yield* Lifecycle.handle(uninstalled(150)))._tag, "Unchanged")
      assert.deepStrictEqual(yield* subjects, Option.some(["bot", "U1", "U2"]))
    }))

  test("changes nothing in the same second as the install", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100.4))
      assert.strictEqual((yield* Lifecycle.handle(uninstalled(100)))._tag, "Unchanged")
    }))

  test("distinguishes the installation of an organization from that of a workspace", () =>
    Effect.gen(function*() {
      const organization = Installation.organization(appId, "E1")
      yield* InstallationStore.save(install({ appId, enterpriseId: "E1", bot: botToken("o"), at: at(100) }))
      yield* InstallationStore.save(installed(100))
      const inWorkspace = { enterprise_id: "E1", team_id: "T1", is_enterprise_install: false }
      yield* Lifecycle.handle(uninstalled(101, { enterprise_id: "E1", authorizations: [inWorkspace] }))
      assert.isTrue(Option.isNone(yield* InstallationStore.get(workspace)))
      assert.isTrue(Option.isSome(yield* InstallationStore.get(organization)))

      const inOrganization = { enterprise_id: "E1", team_id: null, is_enterprise_install: true }
      yield* Lifecycle.handle(uninstalled(101, { team_id: "E1", authorizations: [inOrganization] }))
      assert.isTrue(Option.isNone(yield* InstallationStore.get(organization)))

      yield* InstallationStore.save(install({ appId, enterpriseId: "E1", bot: botToken("o"), at: at(100) }))
      yield* Lifecycle.handle(uninstalled(101, { team_id: "E1", enterprise_id: "E1" }))
      assert.isTrue(Option.isNone(yield* InstallationStore.get(organization)))
    }))

  Properties.effect(
    "has the same result for every order of installs and uninstalls",
    FastCheck.uniqueArray(
      FastCheck.record({ at: FastCheck.integer({ min: 1, max: 50 }), install: FastCheck.boolean() }),
      {
        selector: (event) => event.at,
        maxLength: 8
      }
    ).chain((events) =>
      FastCheck.tuple(FastCheck.constant(events), FastCheck.shuffledSubarray(events, { minLength: events.length }))
    ),
    ([events, shuffled]) =>
      Effect.gen(function*() {
        // Only a very slow store makes an event arrive before its install is stored.
        const installs = shuffled.filter((event) => event.install)
        const uninstalls = shuffled.filter((event) => !event.install)
        for (const event of installs) yield* InstallationStore.save(installed(event.at))
        for (const event of [...uninstalls, ...uninstalls]) yield* Lifecycle.handle(uninstalled(event.at))
        const last = [...events].sort((a, b) => a.at - b.at).at(-1)
        assert.strictEqual(Option.isSome(yield* InstallationStore.get(workspace)), last?.install === true)
      }).pipe(Effect.provide(InstallationStore.layerMemory))
  )
})

describe("an event whose authorizations name neither a workspace nor an organization", () => {
  test("applies to the workspace of its envelope", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100))
      const organization = install({ appId, enterpriseId: "E1", bot: botToken("organization"), at: at(100) })
      yield* InstallationStore.save(organization)
      const nowhere = { team_id: null, enterprise_id: null, is_enterprise_install: false }
      yield* Lifecycle.handle(uninstalled(101, { enterprise_id: "E1", authorizations: [nowhere] }))
      assert.isTrue(Option.isSome(yield* InstallationStore.get(organization.key)))
      assert.isTrue(Option.isNone(yield* InstallationStore.get(workspace)))
    }))
})

describe("tokens_revoked", () => {
  test("removes the credentials that it names, and no others", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100))
      yield* InstallationStore.save(install({ appId, teamId: "T1", user: ["U2", userToken("b")], at: at(100) }))
      const result = yield* Lifecycle.handle(revoked(101, { oauth: ["U1", "U9"], bot: [] }))
      assert.deepStrictEqual(
        result,
        Lifecycle.Outcome.Removed({ installation: workspace, credentials: [Installation.userKey(workspace, "U1")] })
      )
      assert.deepStrictEqual(yield* subjects, Option.some(["bot", "U2"]))
      yield* Lifecycle.handle(revoked(101, { bot: ["U0BOT"] }))
      assert.deepStrictEqual(yield* subjects, Option.some(["U2"]))
      assert.strictEqual((yield* Lifecycle.handle(revoked(101, { bot: ["U0BOT"] })))._tag, "Unchanged")
    }))

  test("does not remove the bot's credential for a person whose id is \"bot\"", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100))
      assert.strictEqual((yield* Lifecycle.handle(revoked(101, { oauth: ["bot"] })))._tag, "Unchanged")
      assert.deepStrictEqual(yield* subjects, Option.some(["bot", "U1"]))
    }))

  test("keeps credentials that are newer than the event", () =>
    Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      yield* InstallationStore.save(installed(100))
      yield* store.compareAndSet(
        Installation.userKey(workspace, "U1"),
        1,
        Installation.Change.Renewed({ token: userToken("refreshed"), issuedAt: at(200) })
      )
      yield* Lifecycle.handle(revoked(150, { oauth: ["U1"], bot: ["U0BOT"] }))
      assert.deepStrictEqual(yield* subjects, Option.some(["U1"]))
    }))
})

describe("the body", () => {
  test("may be of another type", () =>
    Effect.gen(function*() {
      yield* InstallationStore.save(installed(100))
      for (
        const body of [
          uninstalled(101, { event: { type: "app_mention" } }),
          { type: "url_verification", challenge: "c" },
          {}
        ]
      ) {
        assert.strictEqual((yield* Lifecycle.handle(body))._tag, "NotOurs")
      }
      assert.isTrue(Option.isSome(yield* InstallationStore.get(workspace)))
    }))

  test("is refused when it is not a JSON object, such as a body that was not parsed", () =>
    Effect.gen(function*() {
      const text = JSON.stringify(uninstalled(101))
      for (const body of [text, new TextEncoder().encode(text), [uninstalled(101)], null, undefined, 1]) {
        const error = yield* Effect.flip(Lifecycle.handle(body))
        assert.strictEqual(error._tag, "LifecycleMalformedEvent")
        assert.include(error.message, "not a JSON object")
      }
    }))

  test("is refused when it has another form, and the error does not quote it", () =>
    Effect.gen(function*() {
      const problem = (body: unknown) => Effect.map(Effect.flip(Lifecycle.handle(body)), (error) => error)
      const cases: ReadonlyArray<readonly [unknown, string]> = [
        [uninstalled(101, { event_time: "soon" }), "event_time"],
        [uninstalled(101, { event_time: -1 }), "event_time"],
        [uninstalled(101, { api_app_id: "" }), "api_app_id"],
        [uninstalled(101, { team_id: null }), "team_id"],
        [uninstalled(101, { team_id: "T\ud800" }), "team_id"],
        [uninstalled(101, { api_app_id: "A\udc00" }), "api_app_id"],
        [uninstalled(101, { authorizations: [{ enterprise_id: "E\u0000" }] }), "authorizations.0.enterprise_id"],
        [revoked(101, { oauth: ["U\ud800"] }), "event.tokens.oauth.0"],
        [
          uninstalled(101, { event: { type: "tokens_revoked", tokens: { oauth: "xoxp-test-canary" } } }),
          "event.tokens.oauth"
        ]
      ]
      for (const [body, path] of cases) {
        const error = yield* problem(body)
        assert.strictEqual(error._tag, "LifecycleMalformedEvent")
        assert.include(error._tag === "LifecycleMalformedEvent" ? error.paths : [], path)
        assert.notInclude(JSON.stringify(error) + error.message, "canary")
      }
    }))
})
