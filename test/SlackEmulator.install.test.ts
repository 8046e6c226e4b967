/** A whole install in one line: a person in a browser, and what is in the store afterwards. */
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { origin, world } from "./utils/flowInBrowser.js"

const live = (options?: SlackEmulator.Options) => Layer.merge(world(options), InstallationStore.layerMemory)

const onInstalled = ({ requestedAt, response }: InstallFlow.Installed<unknown>) =>
  InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))

const options = { publicUrl: origin, botScopes: ["chat:write", "commands"], onInstalled }

const keyOf = (installed: SlackEmulator.Installed) =>
  Option.getOrUndefined(Option.map(installed.installation, ({ key }) => key))

// -------------------------------------------------------------------------------------

describe("install", () => {
  it.scoped("returns the flow's last response, and what is in the store", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make(options)
      const installed = yield* SlackEmulator.install(flow)
      assert.strictEqual(installed.response.status, 303)
      assert.match(installed.response.headers.get("location") ?? "", /\/app_redirect\?/)
      const { id } = yield* SlackEmulator.app
      assert.deepStrictEqual(keyOf(installed), Installation.workspace(id, "T0EMULATED"))
      assert.lengthOf(yield* SlackEmulator.chains, 1)
    }).pipe(Effect.provide(live())))

  it.scoped("goes past a landing page, and through PKCE", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make({ ...options, landing: true, pkce: true, success: "page" })
      const installed = yield* SlackEmulator.install(flow)
      assert.strictEqual(installed.response.status, 200)
      assert.isDefined(keyOf(installed))
    }).pipe(Effect.provide(live({ apps: [{ pkce: true }] }))))

  it.scoped("installs where and as the consent says, also in an organization", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make({ ...options, userScopes: ["search:read"] })
      const { id } = yield* SlackEmulator.app
      const one = yield* SlackEmulator.install(flow, undefined, { workspace: "T0WEST", person: "U0BEA" })
      assert.deepStrictEqual(keyOf(one), Installation.workspace(id, "T0WEST"))
      assert.deepStrictEqual(
        Option.map(one.installation, ({ users }) => users.map(({ userId }) => userId)),
        Option.some(["U0BEA"])
      )
      const all = yield* SlackEmulator.install(flow, undefined, { organization: "E0ORG" })
      assert.deepStrictEqual(keyOf(all), Installation.organization(id, "E0ORG"))
    }).pipe(Effect.provide(live({
      organizations: [{ id: "E0ORG" }],
      workspaces: [{ id: "T0EAST" }, { id: "T0WEST", organization: "E0ORG" }],
      people: [{ id: "U0ADA" }, { id: "U0BEA" }]
    }))))

  it.scoped("keeps the headers and cookies of the first request, and its query", () =>
    Effect.gen(function*() {
      const metadata: Array<string> = []
      const flow = yield* InstallFlow.make({
        ...options,
        metadata: Schema.String,
        begin: (request) =>
          Effect.succeed({ metadata: `${request.headers.get("cookie")} ${request.headers.get("accept-language")}` }),
        onInstalled: (installed) =>
          Effect.zipRight(Effect.sync(() => metadata.push(installed.metadata)), onInstalled(installed))
      })
      const { installation } = yield* SlackEmulator.install(
        flow,
        new Request(`${flow.installUrl}?scope=commands`, {
          headers: { cookie: "session=ada", "accept-language": "fr" }
        })
      )
      assert.deepStrictEqual(metadata, ["session=ada fr"])
      assert.deepStrictEqual(
        Option.map(Option.flatMap(installation, ({ bot }) => bot), ({ token }) => token.scopes),
        Option.some(["commands"])
      )
    }).pipe(Effect.provide(live())))

  it.scoped("starts again when the install began on Slack's own pages", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make(options)
      const { url } = yield* SlackEmulator.authorize({ redirectUri: flow.redirectUri })
      const installed = yield* SlackEmulator.install(flow, new Request(url))
      assert.strictEqual(installed.response.status, 303)
      assert.isDefined(keyOf(installed))
    }).pipe(Effect.provide(live())))

  it.scoped("returns the page of a failure without an installation, although an earlier one is in the store", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make(options)
      yield* SlackEmulator.install(flow)
      yield* SlackEmulator.inject({ method: "oauth.v2.access", fault: SlackEmulator.code("invalid_code") })
      const { installation, response } = yield* SlackEmulator.install(flow)
      assert.isAtLeast(response.status, 400)
      assert.isTrue(Option.isNone(installation))
    }).pipe(Effect.provide(live())))

  it.scoped("returns what begin answers instead, such as a redirect to a login", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make({
        ...options,
        begin: () => Effect.succeed(new Response(null, { status: 302, headers: { location: "/login" } }))
      })
      const { installation, response } = yield* SlackEmulator.install(flow)
      assert.strictEqual(response.headers.get("location"), "/login")
      assert.isTrue(Option.isNone(installation))
    }).pipe(Effect.provide(live())))

  it.scoped("stops after twenty redirects", () =>
    Effect.gen(function*() {
      let requests = 0
      const flow = yield* InstallFlow.make({
        ...options,
        begin: ({ url }) => {
          requests++
          return Effect.succeed(new Response(null, { status: 302, headers: { location: url } }))
        }
      })
      const { installation, response } = yield* SlackEmulator.install(flow)
      assert.strictEqual(response.status, 302)
      assert.strictEqual(requests, 21)
      assert.isTrue(Option.isNone(installation))
    }).pipe(Effect.provide(live())))

  it.scoped("fails with the code on Slack's error page", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make(options)
      const error = yield* Effect.flip(SlackEmulator.install(flow))
      assert.strictEqual(error._tag === "AuthorizeRefused" ? error.code : error._tag, "bad_redirect_uri")
    }).pipe(Effect.provide(live({ apps: [{ redirectUris: ["https://other.example"] }] }))))
})
