/**
 * What every installation store has to do, as a suite for vitest: run it on a store of your own.
 *
 * Needs `vitest` and `@effect/vitest`, which are optional peers. Everything in it runs on the real clock, since a store
 * may have a clock of its own; it takes some seconds.
 *
 * In a test file:
 *
 * ```ts
 * // MyStore.test.ts
 * import { InstallationStore } from "effect-slack-oauth"
 * import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
 *
 * export const test = () =>
 *   InstallationStoreSuite.register({ name: "my store", layer: InstallationStore.layerMemory })
 * ```
 *
 * @since 0.1.0
 */
import * as Command from "@effect/platform/Command"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Chunk from "effect/Chunk"
import * as Console from "effect/Console"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Installation from "../Installation.js"
import * as InstallationStore from "../InstallationStore.js"
import { IncomingWebhook, Workspace } from "../TokenResponse.js"
import * as Worker from "./InstallationStoreWorker.js"

type Store = InstallationStore.Service

const { Change } = Installation

// -------------------------------------------------------------------------------------
// what the cases are made of
// -------------------------------------------------------------------------------------

const { botToken, install, t0, userToken } = Worker

const after = (duration: Duration.DurationInput): DateTime.Utc => DateTime.addDuration(t0, duration)

/** An app of its own for each case, since they share the store. */
const freshApp = Effect.map(Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER), (n) => `A0SUITE${n.toString(36)}`)

/** As text, so that secrets are compared too. */
const show = (installation: Option.Option<Installation.Installation>): unknown =>
  Option.getOrNull(Option.map(installation, (installation) => {
    const encoded = Schema.encodeSync(Installation.Installation)(installation)
    return { ...encoded, users: [...encoded.users].sort((a, b) => a.userId < b.userId ? -1 : 1) }
  }))

const tokenOf = (credential: Option.Option<Installation.Credential>): string | undefined =>
  Option.getOrUndefined(Option.map(credential, ({ token }) => Redacted.value(token.accessToken)))

const generationOf = (credential: Option.Option<Installation.Credential>): number | undefined =>
  Option.getOrUndefined(Option.map(credential, ({ generation }) => generation))

const isDead = (credential: Option.Option<Installation.Credential>): boolean =>
  Option.exists(credential, ({ reauthorization }) => Option.isSome(reauthorization))

const renewed = (name: string, at: DateTime.Utc = after("1 hour")) =>
  Change.Renewed({ token: botToken(name, DateTime.add(at, { hours: 12 })), issuedAt: at })

const swapped = (swap: InstallationStore.Swap): Installation.Credential => {
  if (swap._tag !== "Swapped") throw new Error("The compare-and-set was superseded")
  return swap.credential
}

const acquired = (result: InstallationStore.LeaseResult) => {
  if (result._tag !== "Acquired") throw new Error(`The lease is ${result._tag}, not Acquired`)
  return result
}

const infos = (store: Store, appId: string, selection: InstallationStore.Selection) =>
  Effect.map(
    Stream.runCollect(Stream.filter(store.credentials(selection), ({ key }) => key.installation.appId === appId)),
    (chunk) => Chunk.toReadonlyArray(chunk)
  )

const keysOf = (found: ReadonlyArray<InstallationStore.CredentialInfo>) => found.map(({ key }) => String(key))

/** Many at once, but not more than a pool of connections can serve in time. */
const atOnce = <A, E>(count: number, f: (n: number) => Effect.Effect<A, E>) =>
  Effect.forEach(Array.from({ length: count }, (_, n) => n), f, { concurrency: 25 })

type Case = readonly [
  name: string,
  run: (store: Store, appId: string, many: number) => Effect.Effect<void, InstallationStore.StoreError>
]

// -------------------------------------------------------------------------------------
// installing
// -------------------------------------------------------------------------------------

const installing: ReadonlyArray<Case> = [
  ["has nothing at first", (store, appId) =>
    Effect.gen(function*() {
      const key = Installation.workspace(appId, "T1")
      assert.isTrue(Option.isNone(yield* store.get(key)))
      assert.isTrue(Option.isNone(yield* store.credential(Installation.botKey(key))))
      assert.isFalse(yield* store.remove(key))
      assert.isFalse(yield* store.removeCredential(Installation.botKey(key)))
    })],

  ["keeps what an install brought, whatever it brought", (store, appId) =>
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

  ["has the latest bot token, whoever installed", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("first"), by: "U1" }))
      yield* store.save(install({ appId, teamId: "T1", bot: botToken("second"), by: "U2", at: after("1 minute") }))
      const found = Option.getOrThrow(yield* store.get(key))
      assert.strictEqual(tokenOf(found.bot), "xoxb-test-second")
      assert.strictEqual(generationOf(found.bot), 2)
      assert.strictEqual(Option.getOrUndefined(found.installedBy), "U2")
      assert.isTrue(DateTime.Equivalence(found.installedAt, after("1 minute")))
    })],

  ["keeps other people's tokens when somebody installs", (store, appId) =>
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

  ["keeps the bot credential and the webhook when an install brings none", (store, appId) =>
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

  ["does not go back in time when installs come in late", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("a"), at: after("1 hour") }))
      yield* store.save(install({ appId, teamId: "T1", bot: botToken("b"), at: t0 }))
      assert.isTrue(DateTime.Equivalence(Option.getOrThrow(yield* store.get(key)).installedAt, after("1 hour")))
    })],

  ["brings a dead credential back to life with a new install", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("a") })
      const bot = Installation.botKey(installation.key)
      yield* store.save(installation)
      yield* store.compareAndSet(bot, 1, Change.Dead({ code: "token_revoked", since: after("1 minute") }))
      assert.isTrue(isDead(yield* store.credential(bot)))
      yield* store.save(installation)
      assert.isFalse(isDead(yield* store.credential(bot)))
    })],

  ["keeps apps, workspaces and organizations apart", (store, appId) =>
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
    "finds the workspace's installation, and falls back to its organization's",
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
    "finds the first installation that can serve",
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

  ["takes ids and names of any form", (store, appId) =>
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

  ["holds a thousand people in one installation", (store, appId) =>
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

// -------------------------------------------------------------------------------------
// removing
// -------------------------------------------------------------------------------------

const removing: ReadonlyArray<Case> = [
  ["removes an installation with everything in it, and nothing else", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(
        install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      )
      const other = yield* store.save(install({ appId, teamId: "T2", bot: botToken("other") }))
      assert.isTrue(yield* store.remove(key))
      assert.isTrue(Option.isNone(yield* store.get(key)))
      assert.isTrue(Option.isNone(yield* store.credential(Installation.botKey(key))))
      assert.isTrue(Option.isNone(yield* store.credential(Installation.userKey(key, "U1"))))
      assert.isFalse(yield* store.remove(key))
      assert.isTrue(Option.isSome(yield* store.get(other.key)))
    })],

  ["removes one credential and leaves the rest", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(
        install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      )
      assert.isTrue(yield* store.removeCredential(Installation.userKey(key, "U1")))
      assert.isFalse(yield* store.removeCredential(Installation.userKey(key, "U1")))
      assert.strictEqual(Option.getOrThrow(yield* store.get(key)).users.length, 0)
      assert.isTrue(yield* store.removeCredential(Installation.botKey(key)))
      assert.isTrue(Option.isNone(Option.getOrThrow(yield* store.get(key)).bot))
    })],

  ["never uses a generation twice, not even after an uninstall", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      const bot = Installation.botKey(installation.key)
      yield* store.save(installation)
      yield* store.compareAndSet(bot, 1, renewed("refreshed"))
      yield* store.remove(installation.key)
      const again = yield* store.save(installation)
      assert.strictEqual(generationOf(again.bot), 3)
      assert.strictEqual(generationOf(again.user("U1")), 2)
      assert.strictEqual((yield* store.compareAndSet(bot, 1, renewed("late")))._tag, "Superseded")
      assert.strictEqual((yield* store.compareAndSet(bot, 2, renewed("late")))._tag, "Superseded")
      yield* store.removeCredential(bot)
      assert.strictEqual(generationOf((yield* store.save(installation)).bot), 4)
    })],

  ["removes an installation only if it is older than asked", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b"), at: after("1 hour") }))
      assert.isFalse(yield* store.remove(key, { installedBefore: after("59 minutes") }))
      assert.isFalse(yield* store.remove(key, { installedBefore: after("1 hour") }))
      assert.isTrue(Option.isSome(yield* store.get(key)))
      assert.isTrue(yield* store.remove(key, { installedBefore: after("61 minutes") }))
      assert.isTrue(Option.isNone(yield* store.get(key)))
    })],

  ["removes a credential only if its token is older than asked", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      yield* store.compareAndSet(bot, 1, renewed("refreshed", after("1 hour")))
      assert.isFalse(yield* store.removeCredential(bot, { issuedBefore: after("1 hour") }))
      assert.isTrue(yield* store.removeCredential(bot, { issuedBefore: after("61 minutes") }))
      assert.isTrue(Option.isNone(yield* store.credential(bot)))
    })],

  ["lets an import add what is missing and replace nothing", (store, appId) =>
    Effect.gen(function*() {
      const keep = { existing: "keep" } as const
      const old = install({ appId, teamId: "T1", bot: botToken("old"), user: ["U1", userToken("old")], name: "Old" })
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("new"), name: "New" }))

      const saved = yield* store.save(old, keep)
      assert.strictEqual(tokenOf(saved.bot), "xoxb-test-new")
      assert.strictEqual(tokenOf(saved.user("U1")), "xoxp-test-old")
      const once = show(yield* store.get(key))
      yield* store.save(old, keep)
      assert.deepStrictEqual(show(yield* store.get(key)), once)
      const { bot, target } = Option.getOrThrow(yield* store.get(key))
      assert.deepStrictEqual([tokenOf(bot), generationOf(bot)], ["xoxb-test-new", 1])
      assert.strictEqual(target._tag === "Workspace" && Option.getOrUndefined(target.team.name), "New")

      yield* store.remove(key, { installedBefore: after("1 minute") })
      yield* store.save(old, keep)
      assert.isTrue(Option.isNone(yield* store.get(key)))
      const newer = install({ appId, teamId: "T1", bot: botToken("newer"), at: after("2 minutes") })
      assert.strictEqual(tokenOf((yield* store.save(newer, keep)).bot), "xoxb-test-newer")
      assert.strictEqual(tokenOf(Option.getOrThrow(yield* store.get(key)).bot), "xoxb-test-newer")
    })],

  [
    "removes all or nothing while others install",
    (store, appId) =>
      Effect.gen(function*() {
        const installs = [1, 2, 3, 4, 5, 6]
        const people = (n: number) => Array.from({ length: n === 0 ? 20 : 3 }, (_, m) => `U${n}x${m}`)
        const brought = (teamId: string, n: number, at: DateTime.Utc) => {
          const one = install({ appId, teamId, bot: botToken(`${n}`), user: ["U", userToken(`${n}`)], at })
          const users = people(n).flatMap((userId) =>
            one.users.map((user) => new Installation.UserCredential({ ...user, userId }))
          )
          return Installation.withCredentials(one, users)
        }
        const kinds = {
          // Who installs before the removal goes, who installs after it stays.
          installs: { existing: "replace", at: after("1 minute"), installedBefore: undefined },
          // These are newer than what is to be removed: it is removed before they come, or not at all.
          "newer installs": { existing: "replace", at: after("1 minute"), installedBefore: after("30 seconds") },
          // These are older, and do not come back once it is removed.
          imports: { existing: "keep", at: t0, installedBefore: undefined },
          "older imports": { existing: "keep", at: t0, installedBefore: after("30 seconds") }
        } as const
        const rounds = Object.entries(kinds).flatMap(([kind, how]) =>
          Array.from({ length: 6 }, (_, n) => ({ ...how, kind, teamId: `T${n} ${kind}` }))
        )
        yield* Effect.forEach(rounds, ({ at, existing, installedBefore, kind, teamId }) =>
          Effect.gen(function*() {
            const { key } = yield* store.save(brought(teamId, 0, t0))
            const soon = <A, E>(effect: Effect.Effect<A, E>) =>
              Effect.flatMap(Random.nextRange(0, 10), (wait) => Effect.delay(effect, Duration.millis(wait)))
            const [removed] = yield* Effect.all([
              soon(store.remove(key, { installedBefore })),
              Effect.forEach(installs, (n) => soon(store.save(brought(teamId, n, at), { existing })), {
                concurrency: "unbounded"
              })
            ], { concurrency: 2 })

            const there = Option.toArray(yield* store.get(key)).flatMap(({ users }) =>
              users.map(({ userId }) => userId)
            )
            const complete = [0, ...installs].filter((n) => people(n).every((userId) => there.includes(userId)))
            assert.sameMembers(there, complete.flatMap(people), `${teamId}: each install whole, or not at all`)
            if (kind === "installs") assert.strictEqual(complete.includes(0), !removed, teamId)
            if (kind === "newer installs") {
              assert.deepStrictEqual(complete, removed ? installs : [0, ...installs], teamId)
            }
            if (existing === "keep") assert.deepStrictEqual([removed, complete], [true, []], teamId)

            // What is nowhere to be seen does not come back with the next install either.
            yield* store.remove(key)
            for (const n of [0, ...installs]) {
              assert.isTrue(Option.isNone(yield* store.credential(Installation.userKey(key, `U${n}x0`))), teamId)
            }
            yield* store.save(install({ appId, teamId, bot: botToken("again"), at: after("1 hour") }))
            assert.deepStrictEqual(Option.getOrThrow(yield* store.get(key)).users, [], teamId)
          }), { concurrency: 2, discard: true })
        assert.strictEqual((yield* infos(store, appId, { state: "permanent" })).length, rounds.length)
      })
  ]
]

// -------------------------------------------------------------------------------------
// compare-and-set
// -------------------------------------------------------------------------------------

const comparing: ReadonlyArray<Case> = [
  ["changes a credential that is of the generation expected", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b", after("12 hours")) }))
      const bot = Installation.botKey(key)
      const credential = swapped(yield* store.compareAndSet(bot, 1, renewed("refreshed")))
      assert.strictEqual(credential.generation, 2)
      assert.isTrue(DateTime.Equivalence(credential.issuedAt, after("1 hour")))
      const stored = Option.getOrThrow(yield* store.credential(bot))
      assert.deepStrictEqual(
        Schema.encodeSync(Installation.Credential)(stored),
        Schema.encodeSync(Installation.Credential)(credential)
      )
      assert.deepStrictEqual(stored.token.scopes, ["chat:write", "commands"])
      assert.strictEqual(stored._tag === "BotCredential" && Option.getOrUndefined(stored.token.botUserId), "U0BOT")
      const expiry = Option.getOrThrow(stored.token.expiry)
      assert.isTrue(DateTime.Equivalence(expiry.expiresAt, after("13 hours")))
      assert.strictEqual(Redacted.value(Option.getOrThrow(expiry.refreshToken)), "xoxe-test-refreshed")
    })],

  ["changes nothing of another generation, and says what stands there", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      yield* store.compareAndSet(bot, 1, renewed("winner"))
      for (const generation of [0, 1, 3]) {
        const swap = yield* store.compareAndSet(bot, generation, renewed("loser"))
        assert.strictEqual(swap._tag, "Superseded")
        assert.strictEqual(swap._tag === "Superseded" ? tokenOf(swap.current) : "", "xoxb-test-winner")
      }
      assert.strictEqual(
        (yield* store.compareAndSet(bot, 1, Change.Dead({ code: "invalid_refresh_token", since: t0 })))._tag,
        "Superseded"
      )
      assert.isFalse(isDead(yield* store.credential(bot)))
      const absent = yield* store.compareAndSet(Installation.userKey(key, "U1"), 1, renewed("nobody"))
      assert.isTrue(absent._tag === "Superseded" && Option.isNone(absent.current))
    })],

  ["marks a credential as dead, keeps its token, and revives it", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b", after("12 hours")) }))
      const bot = Installation.botKey(key)
      const since = after("5 minutes")
      const dead = swapped(yield* store.compareAndSet(bot, 1, Change.Dead({ code: "invalid_refresh_token", since })))
      for (const credential of [dead, Option.getOrThrow(yield* store.credential(bot))]) {
        assert.strictEqual(credential.generation, 2)
        assert.strictEqual(Redacted.value(credential.token.accessToken), "xoxb-test-b")
        const { code, since: at } = Option.getOrThrow(credential.reauthorization)
        assert.strictEqual(code, "invalid_refresh_token")
        assert.isTrue(DateTime.Equivalence(at, since))
        assert.isTrue(DateTime.Equivalence(credential.issuedAt, t0))
      }
      assert.isFalse(isDead(Option.some(swapped(yield* store.compareAndSet(bot, 2, renewed("alive"))))))
      assert.isFalse(isDead(yield* store.credential(bot)))
    })],

  ["loses a refresh that resolves during a reinstall", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      yield* store.save(install({ appId, teamId: "T1", bot: botToken("reinstalled") }))
      const swap = yield* store.compareAndSet(Installation.botKey(key), 1, renewed("refreshed"))
      assert.strictEqual(swap._tag === "Superseded" ? tokenOf(swap.current) : "", "xoxb-test-reinstalled")
    })],

  ["lets one of many win", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      const swaps = yield* atOnce(50, (n) => store.compareAndSet(bot, 1, renewed(`n${n}`)))
      const winners = swaps.flatMap((swap, n) => swap._tag === "Swapped" ? [n] : [])
      assert.strictEqual(winners.length, 1)
      assert.strictEqual(tokenOf(yield* store.credential(bot)), `xoxb-test-n${winners[0]}`)
    })],

  ["loses no update, whoever writes", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("b") })
      const bot = Installation.botKey(installation.key)
      yield* store.save(installation)
      const writes = yield* atOnce(100, (n) =>
        n % 5 === 0
          ? Effect.as(store.save(installation), 1)
          : Effect.flatMap(store.credential(bot), (current) =>
            Effect.map(
              store.compareAndSet(bot, generationOf(current)!, renewed(`n${n}`)),
              (swap) => swap._tag === "Swapped" ? 1 : 0
            )))
      const written = writes.reduce((a, b) => a + b, 0)
      assert.isAtLeast(written, 20)
      assert.strictEqual(generationOf(yield* store.credential(bot)), 1 + written)
    })]
]

// -------------------------------------------------------------------------------------
// leases
// -------------------------------------------------------------------------------------

const leasing: ReadonlyArray<Case> = [
  ["gives the lease to one of many", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      const results = yield* atOnce(50, (n) =>
        store.acquireLease(bot, { holder: `holder ${n}`, intent: "refreshing generation 1", duration: "1 minute" }))
      const holders = results.flatMap((result) =>
        result._tag === "Acquired" ? [result.lease.holder] : []
      )
      assert.strictEqual(holders.length, 1)
      for (const result of results) {
        if (result._tag !== "Held") continue
        assert.strictEqual(result.lease.holder, holders[0])
        assert.strictEqual(result.lease.intent, "refreshing generation 1")
        assert.isTrue(Duration.between(result.remaining, { minimum: "1 second", maximum: "1 minute" }))
      }
    })],

  ["gives a lease back to nobody but its holder", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      const ask = (holder: string) => store.acquireLease(bot, { holder, intent: "testing", duration: "1 minute" })
      acquired(yield* ask("one"))
      assert.isFalse(yield* store.releaseLease(bot, "two"))
      assert.strictEqual((yield* ask("two"))._tag, "Held")
      assert.isTrue(yield* store.releaseLease(bot, "one"))
      assert.isFalse(yield* store.releaseLease(bot, "one"))
      assert.isTrue(Option.isNone(acquired(yield* ask("two")).previous))
    })],

  ["passes a lease that ran out on, with what its holder was doing", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      const first = acquired(
        yield* store.acquireLease(bot, { holder: "one", intent: "refreshing generation 1", duration: "40 millis" })
      )
      const second = yield* store.acquireLease(bot, { holder: "two", intent: "looking", duration: "1 minute" }).pipe(
        Effect.delay("10 millis"),
        Effect.repeat({ until: ({ _tag }) => _tag === "Acquired" }),
        Effect.map(acquired)
      )
      const previous = Option.getOrThrow(second.previous)
      assert.strictEqual(previous.holder, "one")
      assert.strictEqual(previous.intent, "refreshing generation 1")
      assert.isTrue(DateTime.Equivalence(previous.since, first.lease.since))
      assert.isAtLeast(DateTime.distance(previous.until, second.lease.since), 0)
      assert.isFalse(yield* store.releaseLease(bot, "one"))
      assert.isTrue(yield* store.releaseLease(bot, "two"))
    })],

  ["renews a lease for its holder, with a new intent", (store, appId) =>
    Effect.gen(function*() {
      const { key } = yield* store.save(install({ appId, teamId: "T1", bot: botToken("b") }))
      const bot = Installation.botKey(key)
      yield* store.acquireLease(bot, { holder: "one", intent: "first try", duration: "5 seconds" })
      const { lease, previous } = acquired(
        yield* store.acquireLease(bot, { holder: "one", intent: "second try", duration: "1 minute" })
      )
      assert.strictEqual(lease.intent, "second try")
      assert.strictEqual(Option.getOrThrow(previous).intent, "first try")
      const held = yield* store.acquireLease(bot, { holder: "two", intent: "", duration: "1 second" })
      assert.isTrue(held._tag === "Held" && Duration.greaterThan(held.remaining, "10 seconds"))
    })],

  ["keeps a lease through changes, and drops it with the credential", (store, appId) =>
    Effect.gen(function*() {
      const installation = install({ appId, teamId: "T1", bot: botToken("b"), user: ["U1", userToken("u")] })
      const bot = Installation.botKey(installation.key)
      yield* store.save(installation)
      const ask = (key: Installation.CredentialKey, holder: string) =>
        Effect.map(store.acquireLease(key, { holder, intent: "testing", duration: "1 minute" }), ({ _tag }) => _tag)
      assert.strictEqual(yield* ask(bot, "one"), "Acquired")
      yield* store.compareAndSet(bot, 1, renewed("refreshed"))
      assert.strictEqual(yield* ask(bot, "two"), "Held")
      yield* store.save(installation)
      assert.strictEqual(yield* ask(bot, "two"), "Held")
      assert.strictEqual(yield* ask(Installation.userKey(installation.key, "U1"), "two"), "Acquired")
      yield* store.remove(installation.key)
      assert.strictEqual(yield* ask(bot, "two"), "Missing")
      yield* store.save(installation)
      assert.strictEqual(yield* ask(bot, "two"), "Acquired")
    })]
]

// -------------------------------------------------------------------------------------
// streaming and counting
// -------------------------------------------------------------------------------------

const streaming: ReadonlyArray<Case> = [
  [
    "streams every installation once, with all that is in it, while others write",
    (store, appId, count) =>
      Effect.gen(function*() {
        yield* atOnce(
          count,
          (n) =>
            store.save(install({ appId, teamId: `T${n}`, bot: botToken(`b${n}`), user: [`U${n}`, userToken(`u${n}`)] }))
        )
        yield* store.save(install({ appId, enterpriseId: "E1", bot: botToken("organization") }))
        const seen = new Map<string, number>()
        yield* Stream.runForEach(
          Stream.filter(store.stream, (installation) => installation.appId === appId),
          (installation) =>
            Effect.gen(function*() {
              const id = String(installation.key)
              seen.set(id, (seen.get(id) ?? 0) + 1)
              if (installation.target._tag === "Organization") return
              const n = installation.target.team.id.slice(1)
              assert.strictEqual(tokenOf(installation.user(`U${n}`)), `xoxp-test-u${n}`)
              if (Number(n) % 50 === 0) {
                assert.strictEqual(tokenOf(installation.bot), `xoxb-test-b${n}`)
                yield* store.compareAndSet(Installation.botKey(installation.key), 1, renewed("meanwhile"))
              }
            })
        )
        assert.strictEqual(seen.size, count + 1)
        assert.deepStrictEqual(Array.from(seen.values()).filter((times) => times !== 1), [])
        const few = yield* Stream.runCollect(Stream.take(store.stream, 3))
        assert.strictEqual(few.length, 3)
      })
  ],

  ["tells rotating, permanent and dead credentials apart, and counts them", (store, appId) =>
    Effect.gen(function*() {
      const before = yield* store.counts({ expiringBefore: after("3 hours") })
      const save = (teamId: string, expiresAt?: DateTime.Utc) =>
        store.save(install({ appId, teamId, bot: botToken(teamId, expiresAt), user: ["U1", userToken(teamId)] }))
      yield* save("T1")
      yield* save("T2", after("2 hours"))
      yield* save("T3", after("3 hours"))
      const { key: dead } = yield* save("T4", after("1 hour"))
      yield* store.compareAndSet(Installation.botKey(dead), 1, Change.Dead({ code: "token_revoked", since: t0 }))
      const { key: gone } = yield* save("T5", after("1 hour"))
      yield* store.remove(gone)

      const rotating = yield* infos(store, appId, { state: "rotating" })
      assert.sameMembers(keysOf(rotating), [`${appId}/workspace/T2/bot`, `${appId}/workspace/T3/bot`])
      const [due] = yield* infos(store, appId, { state: "rotating", expiresBefore: after("3 hours") })
      assert.strictEqual(String(due!.key), `${appId}/workspace/T2/bot`)
      assert.strictEqual(due!.generation, 1)
      assert.isTrue(DateTime.Equivalence(Option.getOrThrow(due!.expiresAt), after("2 hours")))
      assert.isTrue(DateTime.Equivalence(due!.issuedAt, t0))
      assert.sameMembers(
        keysOf(yield* infos(store, appId, { state: "permanent" })),
        ["T1/bot", "T1/U1", "T2/U1", "T3/U1", "T4/U1"].map((key) => `${appId}/workspace/${key}`)
      )
      const [corpse, ...rest] = yield* infos(store, appId, { state: "dead" })
      assert.deepStrictEqual(rest, [])
      assert.strictEqual(Option.getOrThrow(corpse!.reauthorization).code, "token_revoked")

      const counts = yield* store.counts({ expiringBefore: after("3 hours") })
      const added = { installations: 4, bots: 4, users: 4, rotating: 2, permanent: 5, dead: 1, expiring: 1 }
      for (const name of Object.keys(added) as Array<keyof InstallationStore.Counts>) {
        assert.strictEqual(counts[name] - before[name], added[name], name)
      }
      assert.strictEqual((yield* store.counts()).expiring, 0)
    })],

  [
    "finds what runs out before a time, by expiry, and loses sight of what is renewed",
    (store, appId, count) =>
      Effect.gen(function*() {
        yield* atOnce(count, (n) =>
          store.save(install({
            appId,
            teamId: `T${n}`,
            bot: botToken(`b${n}`, after(Duration.seconds((n * 7919) % count)))
          })))
        const due = yield* infos(store, appId, {
          state: "rotating",
          expiresBefore: after(Duration.seconds(count - 50))
        })
        assert.strictEqual(due.length, count - 50)
        const times = due.map(({ expiresAt }) => DateTime.toEpochMillis(Option.getOrThrow(expiresAt)))
        assert.deepStrictEqual(times, [...times].sort((a, b) => a - b))
        const [first] = due
        swapped(yield* store.compareAndSet(first!.key, 1, renewed("refreshed")))
        const left = yield* infos(store, appId, {
          state: "rotating",
          expiresBefore: after(Duration.seconds(count - 50))
        })
        assert.strictEqual(left.length, count - 51)
        assert.notInclude(keysOf(left), String(first!.key))
      })
  ]
]

const groups = { installing, removing, "compare-and-set": comparing, leases: leasing, streaming }

// -------------------------------------------------------------------------------------
// several processes
// -------------------------------------------------------------------------------------

/**
 * How to have other processes work on the same storage.
 *
 * @since 0.1.0
 * @category models
 */
export interface Processes {
  /** Runs a script that provides the store to `InstallationStoreWorker.main`. */
  readonly command: Command.Command
  /** What runs commands, such as `NodeContext.layer` of `@effect/platform-node`. */
  readonly executor: Layer.Layer<CommandExecutor>
  /** How many work at the same time; 4 by default. */
  readonly count?: number | undefined
  /** How much they do in all; 400 operations by default. */
  readonly operations?: number | undefined
  /** How many writers are killed, four at a time; 4 by default. */
  readonly kills?: number | undefined
  /**
   * How many installations a process streams that has less memory than they take; 1500 by default. It gets 40 MB beyond
   * what it takes itself, which the suite measures.
   */
  readonly installations?: number | undefined
  /** Stores many installations at once, where one save after the other would take too long. */
  readonly fill?:
    | ((installations: Stream.Stream<Installation.Installation>) => Effect.Effect<void, unknown>)
    | undefined
}

/**
 * What {@link register} takes.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options {
  readonly name: string
  /** The store, over empty storage that nobody else uses. */
  readonly layer: Layer.Layer<InstallationStore.InstallationStore, unknown>
  /** Left out for a store that is for one process. */
  readonly processes?: Processes | undefined
  /** How many installations are streamed; 550 by default. */
  readonly installations?: number | undefined
  /** All that the storage holds, as bytes or as text, if the store encrypts: no token may be found in it. */
  readonly contents?: Stream.Stream<string | Uint8Array, unknown> | undefined
  /** How long one test may take; a minute by default. */
  readonly timeout?: Duration.DurationInput | undefined
}

const start = ({ command }: Processes, task: Worker.Task, environment: Record<string, string> = {}) =>
  Command.start(Command.env(command, { ...environment, [Worker.variable]: JSON.stringify(task) }))

/** Runs a task to its end. The exit code is none if the process was killed. */
const finish = (processes: Processes, task: Worker.Task, environment?: Record<string, string>) =>
  Effect.gen(function*() {
    const process = yield* start(processes, task, environment)
    const text = <E>(stream: Stream.Stream<Uint8Array, E>) => Stream.mkString(Stream.decodeText(stream))
    const [stdout, stderr, exitCode] = yield* Effect.all(
      [text(process.stdout), text(process.stderr), Effect.option(process.exitCode)],
      { concurrency: "unbounded" }
    )
    return { exitCode: Option.getOrUndefined(exitCode), output: `${stdout}${stderr}`, stdout }
  }).pipe(Effect.scoped, Effect.provide(processes.executor))

type Finished = Effect.Effect.Success<ReturnType<typeof finish>>

const ranOutOfMemory = ({ exitCode, output }: Finished): boolean => exitCode !== 0 && /out of memory/i.test(output)

/** What a task printed last. */
const resultOf = (finished: Finished): string => {
  const { exitCode, output, stdout } = finished
  if (exitCode !== 0) {
    throw new Error(`A worker ${exitCode === undefined ? "was killed" : `ended with ${exitCode}`}\n${output}`)
  }
  return stdout.trim().split("\n").at(-1)!
}

const runTask = (processes: Processes, task: Worker.Task) => Effect.map(finish(processes, task), resultOf)

const mixing = (store: Store, appId: string, processes: Processes) =>
  Effect.gen(function*() {
    const count = processes.count ?? 4
    const operations = Math.ceil((processes.operations ?? 400) / count)
    const workspaces = 12
    yield* Effect.forEach(
      Array.from({ length: workspaces }, (_, n) => n),
      (n) => store.save(install({ appId, teamId: `T${n}`, bot: botToken("first") }))
    )
    const reports = yield* Effect.forEach(
      Array.from({ length: count }, (_, n) => `w${n}`),
      (worker) =>
        Effect.flatMap(
          runTask(processes, { _tag: "Mix", appId, worker, workspaces, operations }),
          Schema.decodeUnknown(Schema.parseJson(Worker.MixReport))
        ),
      { concurrency: "unbounded" }
    )

    const sum = (f: (report: typeof Worker.MixReport.Type) => number) => reports.reduce((n, report) => n + f(report), 0)
    let total = 0
    for (let n = 0; n < workspaces; n++) {
      const written = sum(({ writes }) => writes[`T${n}`] ?? 0)
      const bot = yield* store.credential(Installation.botKey(Installation.workspace(appId, `T${n}`)))
      assert.strictEqual(generationOf(bot), 1 + written, `T${n}`)
      total += written
    }
    assert.strictEqual(sum(({ broken }) => broken), 0)

    const leases = reports.flatMap((report) => report.leases)
    for (let n = 0; n < workspaces; n++) {
      const held = leases.filter(([teamId]) => teamId === `T${n}`).sort(([, a], [, b]) => a - b)
      for (const [index, [, since]] of held.entries()) {
        if (index > 0) assert.isAtLeast(since, held[index - 1]![2], `T${n}`)
      }
    }
    return `${count} processes, ${count * operations} operations: ${total} writes and all of them in the generations, ${
      sum(({ superseded }) => superseded)
    } superseded, ${leases.length} leases and no two at once`
  })

/** The number that everything in a row of a `Write` agrees on. */
const numberIn = (installation: Installation.Installation, saved: boolean): number => {
  const bot = Option.getOrThrow(installation.bot)
  const { expiresAt, refreshToken } = Option.getOrThrow(bot.token.expiry)
  const n = Number(bot.token.scopes[0])
  assert.strictEqual(Redacted.value(bot.token.accessToken), `xoxb-test-${n}`)
  assert.strictEqual(Redacted.value(Option.getOrThrow(refreshToken)), `xoxe-test-${n}`)
  assert.strictEqual(DateTime.distance(t0, expiresAt), n * 1000)
  assert.strictEqual(DateTime.distance(t0, bot.issuedAt), n * 1000)
  if (saved) {
    const { key } = installation
    if (key._tag === "Organization") throw new Error("A workspace was written")
    const expected = Installation.withCredentials(
      Worker.numbered(key, n),
      Worker.numbered(key, n).credentials.map((credential) => Installation.atGeneration(credential, bot.generation))
    )
    assert.deepStrictEqual(show(Option.some(installation)), show(Option.some(expected)))
  }
  return n
}

/** Kills a writer, and returns the number of its last write that it had announced. */
const killWriter = (processes: Processes, task: Worker.Task) =>
  Effect.gen(function*() {
    const announced = { save: 0, swap: 0 }
    const process = yield* start(processes, task)
    const errors = yield* Effect.fork(Stream.mkString(Stream.decodeText(process.stderr)))
    const lines = yield* process.stdout.pipe(
      Stream.decodeText(),
      Stream.splitLines,
      Stream.runForEach((line) =>
        Effect.sync(() => {
          const [, kind, n] = /^(save|swap) (\d+)$/.exec(line) ?? []
          if (kind !== undefined) announced[kind as keyof typeof announced] = Number(n)
        })
      ),
      Effect.fork
    )
    // Until it writes; then at a random moment.
    yield* Effect.repeat(Effect.sleep("10 millis"), {
      until: () => Effect.map(lines.status, ({ _tag }) => announced.swap > 0 || _tag === "Done")
    })
    yield* Effect.sleep(Duration.millis(yield* Random.nextRange(0, 100)))
    yield* Effect.ignore(process.kill("SIGKILL"))
    yield* lines.await
    if (announced.swap === 0) throw new Error(`A writer did not write\n${yield* errors}`)
    return announced
  }).pipe(Effect.scoped, Effect.provide(processes.executor))

const killing = (store: Store, appId: string, processes: Processes) =>
  Effect.gen(function*() {
    const kills = processes.kills ?? 4
    let ahead = 0
    let writes = 0
    yield* Effect.forEach(
      Array.from({ length: kills }, (_, n) => `w${n}`),
      (worker) =>
        Effect.gen(function*() {
          const announced = yield* killWriter(processes, { _tag: "Write", appId, worker })
          const rows = Worker.writtenBy(appId, worker)
          for (const kind of ["save", "swap"] as const) {
            const n = numberIn(Option.getOrThrow(yield* store.get(rows[kind])), kind === "save")
            // Stored before it was announced: what was announced is there, and at most one more.
            assert.isAtLeast(n, announced[kind], kind)
            assert.isAtMost(n, announced[kind] + 1, kind)
            ahead += n - announced[kind]
            writes += n
          }
        }),
      { concurrency: 4 }
    )
    yield* Stream.runDrain(store.stream)
    return `${kills} writers killed after ${writes} writes: every row readable, old or new, none mixed; ${ahead} writes had been stored and not yet announced`
  })

/** What is streamed, and how much of it a process may hold at a time. */
const scopeMegabytes = 60
const heldMegabytes = 40

const streamingElsewhere = (store: Store, appId: string, processes: Processes) =>
  Effect.gen(function*() {
    const count = processes.installations ?? 1500
    const own = yield* finish(processes, { _tag: "Heap" }, { NODE_OPTIONS: "--expose-gc" })
    const heap = Number(resultOf(own)) + heldMegabytes
    const scopes = ["x".repeat(Math.ceil(scopeMegabytes * 1_000_000 / count))]
    const one = install({ appId, teamId: "T", bot: botToken("bot", after("12 hours"), scopes) })
    const unchecked = { disableValidation: true }
    const installations = Stream.map(Stream.range(0, count - 1), (n) => {
      const target = new Workspace({ team: { id: `T${n}`, name: Option.none() }, enterprise: Option.none() }, unchecked)
      return new Installation.Installation({ ...one, target }, unchecked)
    })
    yield* processes.fill === undefined
      ? Stream.runDrain(Stream.mapEffect(installations, store.save, { concurrency: 25 }))
      : processes.fill(installations)
    const finished = yield* finish(processes, { _tag: "Stream", appId }, {
      NODE_OPTIONS: `--max-old-space-size=${heap}`
    })
    if (ranOutOfMemory(finished)) {
      throw new Error(
        `A worker ran out of memory: it streamed ${scopeMegabytes} MB, and had ${heap} MB, ${heldMegabytes} MB of them beyond what it takes itself. A stream must not hold all that it reads.`
      )
    }
    const seen = resultOf(finished)
    assert.strictEqual(seen, String(count))
    return `${seen} installations (${scopeMegabytes} MB of them scopes) streamed by a process that has ${heap} MB in all`
  })

// -------------------------------------------------------------------------------------
// encryption
// -------------------------------------------------------------------------------------

const sealing = (store: Store, appId: string, contents: Stream.Stream<string | Uint8Array, unknown>) =>
  Effect.gen(function*() {
    const url = Redacted.make("https://hooks.slack.com/services/T1/B1/test")
    const webhook = new IncomingWebhook({ url, channel: "#c", channelId: Option.none(), configurationUrl: "" })
    for (let n = 0; n < 30; n++) {
      const { key } = yield* store.save(install({
        appId,
        teamId: `T${n % 10}`,
        bot: botToken(`${n}`, after("12 hours")),
        user: [`U${n}`, userToken(`${n}`)],
        webhook
      }))
      const bot = yield* store.credential(Installation.botKey(key))
      yield* store.compareAndSet(Installation.botKey(key), generationOf(bot)!, renewed(`${n} refreshed`))
      if (n % 3 === 0) yield* store.remove(key)
    }

    const plain = /xox\w-test-|hooks\.slack\.com/
    let bytes = 0
    let rowsSeen = false
    yield* Stream.runForEach(contents, (part) =>
      Effect.sync(() => {
        const text = typeof part === "string" ? part : new TextDecoder("latin1").decode(part)
        bytes += text.length
        rowsSeen ||= text.includes(appId)
        assert.isFalse(plain.test(text), "a token stands there in plain text")
      }))
    assert.isTrue(rowsSeen, "the rows are in the contents")
    return `${bytes} bytes in the storage, and no token among them`
  })

// -------------------------------------------------------------------------------------
// registering
// -------------------------------------------------------------------------------------

/**
 * Registers the suite's tests with vitest, under the name given.
 *
 * @since 0.1.0
 * @category testing
 */
export const register = (options: Options): void => {
  const { contents, installations = 550, name, processes } = options
  const timeout = Duration.toMillis(options.timeout ?? "1 minute")

  // Not `layer` of @effect/vitest: it takes the test services from `it.effect` for everybody who comes after.
  describe(name, () => {
    const runtime = ManagedRuntime.make(Layer.orDie(options.layer))
    beforeAll(() => runtime.runPromise(Effect.void), timeout)
    afterAll(() => runtime.dispose(), timeout)

    const test = (
      title: string,
      run: (store: Store, appId: string) => Effect.Effect<unknown, unknown>
    ) =>
      it.live(
        title,
        () =>
          Effect.gen(function*() {
            const report = yield* run(yield* InstallationStore.InstallationStore, yield* freshApp)
            if (typeof report === "string") yield* Console.log(`${name}: ${report}`)
          }).pipe(Effect.provide(runtime)),
        timeout
      )

    for (const [group, cases] of Object.entries(groups)) {
      for (const [title, run] of cases) {
        test(`${group}: ${title}`, (store, appId) => run(store, appId, installations))
      }
    }

    if (processes !== undefined) {
      test(
        "processes: lose no update, and never have a lease two at a time",
        (store, appId) => mixing(store, appId, processes)
      )
      test(
        "processes: leave every row old or new when they are killed",
        (store, appId) => killing(store, appId, processes)
      )
      test(
        "processes: stream many installations in little memory",
        (store, appId) => streamingElsewhere(store, appId, processes)
      )
    }

    // Last, so that all that was written before is looked at too.
    if (contents !== undefined) {
      test("encryption: leaves no token in what is stored", (store, appId) => sealing(store, appId, contents))
    }
  })
}
