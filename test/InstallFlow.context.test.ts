/** Which parts of a request's context reach an install. */
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as KeyValueStore from "@effect/platform/KeyValueStore"
import * as SqlClient from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Migrations from "effect-slack-oauth/sql/Migrations"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SqlPendingInstallStore from "effect-slack-oauth/sql/SqlPendingInstallStore"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import type * as ConfigError from "effect/ConfigError"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as TestClock from "effect/TestClock"
import * as Tracer from "effect/Tracer"
import { isInTransaction } from "../src/internal/effect/transactions.js"
import { sha256 } from "../src/internal/random.js"
import { connect, libsqlUrl } from "./utils/databases.js"
import * as FiberRefs from "./utils/effect/fiberRefs.js"
import * as KeyValueStores from "./utils/effect/keyValueStores.js"
import { inTransaction } from "./utils/effect/transactions.js"
import { allowed, counted, makeBrowser, origin, slack, world } from "./utils/flowInBrowser.js"
import { newStateHash, pendingInstall } from "./utils/pendingInstallStores.js"
import { postgresUrl } from "./utils/resources.js"

const text = (response: Response) => Effect.promise(() => response.text())

const tags = (failures: ReadonlyArray<InstallFlow.Failed<unknown>>) => failures.map(({ error }) => error._tag)

/** A request computes digests, in real time. After this many other digests, it waits for the clock. */
const settled = Effect.repeatN(Effect.promise(() => sha256("x")), 10)

/** Moves the clock second by second until a fiber ends. Returns how long that took, and the result. */
const untilDone = <A, E>(fiber: Fiber.Fiber<A, E>) =>
  Effect.gen(function*() {
    for (let seconds = 0; seconds < 200; seconds++) {
      yield* settled
      const exit = yield* Fiber.poll(fiber)
      if (Option.isSome(exit)) return { seconds, value: yield* exit.value }
      yield* TestClock.adjust("1 seconds")
    }
    return yield* Effect.dieMessage("it never ended")
  })

// -------------------------------------------------------------------------------------
// databases
// -------------------------------------------------------------------------------------

/** Runs an effect in a transaction that is rolled back in any case. */
const rollingBack = (sql: SqlClient.SqlClient) => <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.exit(effect).pipe(
    Effect.flatMap((exit) => Effect.fail({ exit })),
    sql.withTransaction,
    Effect.catchAll((rolledBack) => "exit" in rolledBack ? rolledBack.exit : Effect.die(rolledBack))
  )

/** A process: a flow that keeps everything in a database, and the client that its requests use too. */
const process = (url: string, options?: {
  readonly maxConnections?: number
  readonly after?: Effect.Effect<void>
  readonly pending?: Layer.Layer<PendingInstall.PendingInstallStore, ConfigError.ConfigError>
}) =>
  Effect.gen(function*() {
    const context = yield* Layer.build(Layer.fresh(
      Layer.mergeAll(options?.pending ?? SqlPendingInstallStore.layer, SqlInstallationStore.layer).pipe(
        Layer.provide(TokenCipher.layerPlain),
        Layer.provideMerge(Migrations.layer),
        Layer.provideMerge(connect(url, { maxConnections: options?.maxConnections ?? 4 }))
      )
    ))
    return yield* Effect.gen(function*() {
      const store = yield* InstallationStore.InstallationStore
      const { browser, failures, flow } = yield* counted({
        onInstalled: ({ requestedAt, response }) =>
          Effect.zipRight(
            store.save(Installation.fromTokenResponse(response, requestedAt)),
            options?.after ?? Effect.void
          )
      })
      const sql = yield* SqlClient.SqlClient
      return {
        flow,
        browser,
        failures,
        pending: yield* PendingInstall.PendingInstallStore,
        sql,
        /** A common middleware: each request has a transaction, which is rolled back if anything fails. */
        rolledBack: rollingBack(sql),
        /** The same, with the time that the request took inside the transaction. */
        timedAndRolledBack: <A, E>(request: Effect.Effect<A, E>) =>
          Effect.gen(function*() {
            const begun = yield* Deferred.make<void>()
            const answer = yield* Deferred.make<A, E>()
            const transaction = yield* Deferred.succeed(begun, void 0).pipe(
              Effect.zipRight(Effect.intoDeferred(request, answer)),
              rollingBack(sql),
              Effect.fork
            )
            yield* Deferred.await(begun)
            const timed = yield* untilDone(yield* Effect.fork(Deferred.await(answer)))
            yield* Fiber.join(transaction)
            return timed
          }),
        installed: Effect.map(store.counts(), ({ installations }) => installations)
      }
    }).pipe(Effect.provide(context))
  })

describe("a request in a transaction that rolls back, on Postgres", () => {
  const newUrl = postgresUrl

  it.scoped("does not undo the installation: it is stored, as the page says", () =>
    Effect.gen(function*() {
      const { browser, installed, rolledBack } = yield* process(yield* newUrl)
      const url = yield* allowed(browser)
      assert.strictEqual((yield* rolledBack(browser.get(url))).status, 303)
      assert.strictEqual(yield* installed, 1)
      assert.strictEqual((yield* browser.get(url)).status, 303)
    }).pipe(Effect.provide(slack())))

  it.scoped("does not undo the begun install: the person can come back from Slack and finish it", () =>
    Effect.gen(function*() {
      const { browser, installed, rolledBack } = yield* process(yield* newUrl)
      const begun = yield* rolledBack(browser.begin())
      const { url } = yield* SlackEmulator.authorize({ url: begun })
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(yield* installed, 1)
    }).pipe(Effect.provide(slack())))

  it.scoped("does not make a used state valid again, not for another process either", () =>
    Effect.gen(function*() {
      const database = yield* newUrl
      const one = yield* process(database)
      const two = yield* process(database)
      const url = yield* allowed(one.browser)
      for (const [name, value] of one.browser.jar) two.browser.jar.set(name, value)
      assert.strictEqual((yield* one.rolledBack(one.browser.get(url))).status, 303)
      assert.strictEqual((yield* two.browser.get(url)).status, 410)
      assert.deepStrictEqual(tags(two.failures), ["InstallStateGone"])
    }).pipe(Effect.provide(slack())))

  it.scoped("does not make a refused state valid again", () =>
    Effect.gen(function*() {
      const { browser, rolledBack } = yield* process(yield* newUrl)
      const { url } = yield* SlackEmulator.cancel({ url: yield* browser.begin() })
      const before = new Map(browser.jar)
      assert.strictEqual((yield* rolledBack(browser.get(url))).status, 403)
      for (const [name, value] of before) browser.jar.set(name, value)
      const late = new URL(url)
      late.search = `?code=late&state=${late.searchParams.get("state")}`
      assert.strictEqual((yield* browser.get(late.href)).status, 410)
    }).pipe(Effect.provide(slack())))

  it.scoped("undoes nothing when the browser gives up: everything is stored, and a reload shows the result", () =>
    Effect.gen(function*() {
      const saved = yield* Deferred.make<void>()
      const gone = yield* Deferred.make<void>()
      const { browser, installed, rolledBack } = yield* process(yield* newUrl, {
        after: Effect.zipRight(Deferred.succeed(saved, void 0), Deferred.await(gone))
      })
      const url = yield* allowed(browser)
      const request = yield* Effect.fork(rolledBack(browser.get(url)))
      yield* Deferred.await(saved)
      yield* Fiber.interrupt(request)
      yield* Deferred.succeed(gone, void 0)
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(yield* installed, 1)
      assert.strictEqual((yield* SlackEmulator.calls).length, 1)
    }).pipe(Effect.provide(slack())))
})

for (
  const [name, newUrl] of [
    ["a pool of one connection on Postgres", postgresUrl],
    ["libsql", libsqlUrl]
  ] as const
) {
  describe(`a request whose own transaction has the only connection, on ${name}`, () => {
    it.scoped("is told in time to try again, and succeeds outside of the transaction", () =>
      Effect.gen(function*() {
        const { browser, failures, installed, timedAndRolledBack } = yield* process(yield* newUrl, {
          maxConnections: 1
        })
        const begun = yield* timedAndRolledBack(browser.get(`${origin}/slack/install`))
        assert.strictEqual(begun.value.status, 503)
        assert.isAtMost(begun.seconds, 30)
        const url = yield* allowed(browser)
        const answered = yield* timedAndRolledBack(browser.get(url))
        assert.strictEqual(answered.value.status, 503)
        assert.isAtMost(answered.seconds, 30)
        assert.deepStrictEqual(tags(failures), ["InstallStoreFailed", "InstallStoreFailed"])
        assert.strictEqual((yield* browser.get(url)).status, 303)
        assert.strictEqual(yield* installed, 1)
      }).pipe(Effect.provide(slack())))

    it.scoped("gets an answer although the store of installations waits for it, and a reload stores the tokens", () =>
      Effect.gen(function*() {
        const { browser, failures, installed, timedAndRolledBack } = yield* process(yield* newUrl, {
          maxConnections: 1,
          pending: PendingInstall.layerMemory()
        })
        const url = yield* allowed(browser)
        const { seconds, value } = yield* timedAndRolledBack(browser.get(url))
        // A libsql client waits for a shorter time than the request.
        assert.strictEqual(value.status, tags(failures).includes("InstallNotCompleted") ? 500 : 503)
        assert.isAtMost(seconds, 30)
        assert.strictEqual((yield* browser.get(url)).status, 303)
        assert.strictEqual(yield* installed, 1)
        assert.strictEqual((yield* SlackEmulator.calls).length, 1)
      }).pipe(Effect.provide(slack())))

    it.scoped("gets a typed error in time when it calls the store directly", () =>
      Effect.gen(function*() {
        const { pending, timedAndRolledBack } = yield* process(yield* newUrl, { maxConnections: 1 })
        const { seconds, value } = yield* timedAndRolledBack(Effect.either(pending.consume("no-such-state", "")))
        assert.strictEqual(Either.isLeft(value) && value.left._tag, "PendingInstallStoreError")
        assert.isAtMost(seconds, 20)
      }).pipe(Effect.provide(slack())))
  })
}

/** Platform's `KeyValueStore` over a table. */
const layerTable = Layer.effect(
  KeyValueStore.KeyValueStore,
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE texts (name TEXT PRIMARY KEY, value TEXT)`
    const run = <A>(statement: Effect.Effect<A, unknown>) => Effect.orDie(statement)
    return KeyValueStores.make({
      get: (name) =>
        run(Effect.map(
          sql<{ readonly value: string }>`SELECT value FROM texts WHERE name = ${name}`,
          ([row]) => row?.value
        )),
      set: (name, value) =>
        run(sql`INSERT INTO texts VALUES (${name}, ${value}) ON CONFLICT (name) DO UPDATE SET value = ${value}`),
      remove: (name) => run(sql`DELETE FROM texts WHERE name = ${name}`)
    })
  })
)

describe("a store of pending installs in a database", () => {
  for (
    const [name, pending] of [
      ["SqlPendingInstallStore", Layer.orDie(Layer.provide(SqlPendingInstallStore.layer, Migrations.layer))],
      ["layerKeyValueStore", Layer.orDie(Layer.provide(PendingInstall.layerKeyValueStore, layerTable))]
    ] as const
  ) {
    it.scoped(`gives an install once, also to a caller whose transaction rolls back: ${name}`, () =>
      Effect.gen(function*() {
        const store = yield* PendingInstall.PendingInstallStore
        const sql = yield* SqlClient.SqlClient
        const rolledBack = rollingBack(sql)
        const hash = yield* newStateHash
        assert.strictEqual(yield* rolledBack(Effect.flatMap(pendingInstall(), (one) => store.save(hash, one))), "")
        const taken = yield* rolledBack(store.consume(hash, ""))
        assert.instanceOf(taken, PendingInstall.PendingInstall)
        assert.strictEqual((yield* Effect.flip(store.consume(hash, "")))._tag, "PendingInstallNotFound")
      }).pipe(Effect.provide(Layer.unwrapScoped(
        Effect.map(postgresUrl, (url) => Layer.provideMerge(pending, connect(url)))
      ))))
  }
})

// -------------------------------------------------------------------------------------
// the application's effects
// -------------------------------------------------------------------------------------

class Tenant extends Context.Tag("test/Tenant")<Tenant, string>() {}

const note = FiberRefs.make("test/note", "nobody's")

/** The context that an effect of the application runs in. */
const surroundings = Effect.gen(function*() {
  return {
    tenant: yield* Tenant,
    note: yield* FiberRefs.get(note),
    span: Option.map(yield* Effect.serviceOption(Tracer.ParentSpan), (span) => span._tag === "Span" ? span.name : ""),
    annotations: yield* FiberRefs.logAnnotations,
    transaction: isInTransaction(yield* Effect.context<never>())
  }
})

describe("the application's effects", () => {
  it.scoped("run with the layer's services, under the request's span and log annotations", () =>
    Effect.gen(function*() {
      const seen: Record<string, unknown> = {}
      const see = (name: string) => Effect.map(surroundings, (found) => void (seen[name] = found))
      const flow = yield* InstallFlow.make({
        publicUrl: origin,
        botScopes: ["chat:write"],
        begin: () => Effect.as(see("begin"), {}),
        onInstalled: () => see("onInstalled"),
        onFailed: ({ error }) => see(`onFailed ${error._tag}`)
      }).pipe(
        Effect.provideService(Tenant, "the layer's"),
        FiberRefs.locally(note, "the layer's"),
        Effect.withSpan("start-up")
      )
      const browser = makeBrowser((request) =>
        flow.handle(request).pipe(
          Effect.withSpan("request"),
          Effect.annotateLogs("request", "r1"),
          Effect.provideService(Tenant, "the request's"),
          FiberRefs.locally(note, "the request's"),
          inTransaction
        )
      )
      yield* browser.get(yield* allowed(browser))
      yield* browser.get(`${origin}/slack/oauth_redirect`)
      yield* SlackEmulator.inject({ fault: SlackEmulator.code("invalid_code"), method: "oauth.v2.access" })
      yield* browser.get(yield* allowed(browser))
      const around = (span: string) => ({
        tenant: "the layer's",
        note: "the layer's",
        span: Option.some(span),
        annotations: [["request", "r1"]],
        transaction: false
      })
      assert.deepStrictEqual(seen, {
        begin: around("InstallFlow.begin"),
        onInstalled: around("InstallFlow.callback"),
        "onFailed InstallMissingParameter": around("InstallFlow.callback"),
        "onFailed InstallExchangeFailed": around("InstallFlow.callback")
      })
    }).pipe(Effect.provide(world())))

  it.scoped("have a scope that closes after each of them", () =>
    Effect.gen(function*() {
      const events: Array<string> = []
      const resource = (name: string) =>
        Effect.acquireRelease(
          Effect.sync(() => events.push(`${name} opens`)),
          () => Effect.sync(() => events.push(`${name} closes`))
        )
      const flow = yield* InstallFlow.make({
        publicUrl: origin,
        botScopes: ["chat:write"],
        begin: () => Effect.as(resource("begin"), {}),
        onInstalled: () => Effect.zipRight(resource("onInstalled"), Effect.fail("no")),
        onFailed: () => resource("onFailed")
      })
      const browser = makeBrowser(flow.handle)
      const names = ["begin", "onInstalled", "onFailed"]
      for (let install = 0; install < 3; install++) {
        events.length = 0
        yield* browser.get(yield* allowed(browser))
        assert.deepStrictEqual(events, names.flatMap((name) => [`${name} opens`, `${name} closes`]))
      }
    }).pipe(Effect.provide(world())))

  it.scoped("may take five minutes: a slower onInstalled has failed, and a reload runs it again with the same tokens", () =>
    Effect.gen(function*() {
      let runs = 0
      const { browser, failures } = yield* counted({
        duplicateWindow: "10 minutes",
        onInstalled: () => runs++ === 0 ? Effect.uninterruptible(Effect.never) : Effect.void
      })
      const url = yield* allowed(browser)
      const first = yield* untilDone(yield* Effect.fork(browser.get(url)))
      assert.strictEqual(first.value.status, 503)
      assert.include(yield* text(first.value), `href=""`)
      assert.isAtMost(first.seconds, 60)
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(tags(failures), ["InstallNotCompleted"])
      assert.isTrue(Option.isSome(failures[0]?.installed ?? Option.none()))
      assert.strictEqual((yield* browser.get(url)).status, 303)
      assert.strictEqual(runs, 2)
      assert.strictEqual((yield* SlackEmulator.calls).length, 1)
    }).pipe(Effect.provide(world())))

  it.scoped("cannot make a browser wait without end: begin and onFailed have a deadline", () =>
    Effect.gen(function*() {
      const flow = yield* InstallFlow.make({
        publicUrl: origin,
        botScopes: ["chat:write"],
        begin: () => Effect.uninterruptible(Effect.never),
        onInstalled: () => Effect.void,
        onFailed: () => Effect.never
      })
      for (const path of ["/slack/install", "/slack/oauth_redirect"]) {
        const { seconds, value } = yield* untilDone(yield* Effect.fork(flow.handle(new Request(`${origin}${path}`))))
        assert.strictEqual(value.status, 503)
        assert.isAtMost(seconds, 60)
      }
    }).pipe(Effect.provide(world())))

  it.effect("get the tokens of an install that a server could not finish before it shut down", () =>
    Effect.gen(function*() {
      const told: Array<InstallFlow.Failed<void>> = []
      const started = yield* Deferred.make<void>()
      yield* Effect.scoped(Effect.gen(function*() {
        const { browser } = yield* counted({
          onInstalled: () => Effect.zipRight(Deferred.succeed(started, void 0), Effect.never),
          onFailed: (failed) => Effect.sync(() => told.push(failed))
        })
        yield* Effect.fork(Effect.flatMap(allowed(browser), (url) => browser.get(url)))
        yield* Deferred.await(started)
        // The scope closes here, and its finalizers wait on the clock.
      })).pipe(Effect.fork, Effect.flatMap((fiber) => untilDone(fiber)))
      assert.deepStrictEqual(tags(told), ["InstallUnexpected"])
      assert.isTrue(Option.isSome(told[0]?.installed ?? Option.none()))
    }).pipe(Effect.provide(world())))
})

describe("the call for the tokens", () => {
  it.scoped("uses the client of the layer, and no Fetch, RequestInit or policy of the request", () =>
    Effect.gen(function*() {
      const calls: Array<string> = []
      const fetchAs = (name: string) =>
        Layer.succeed(FetchHttpClient.Fetch, async (_, init) => {
          calls.push(`${name} ${new Headers(init?.headers).get("x-request") ?? ""}`.trim())
          return new Response(`{"ok":false,"error":"invalid_code"}`)
        })
      const { browser, failures, flow } = yield* counted().pipe(
        Effect.provide(OAuthV2.layer),
        Effect.provide(Layer.provideMerge(FetchHttpClient.layer, fetchAs("layer"))),
        Effect.provide(Layer.merge(
          PendingInstall.layerMemory(),
          SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })
        ))
      )
      const state = new URL(yield* browser.begin()).searchParams.get("state") ?? ""
      const response = yield* flow.handle(browser.request(`${flow.redirectUri}?code=x&state=${state}`)).pipe(
        Effect.provide(fetchAs("request")),
        Effect.provideService(FetchHttpClient.RequestInit, { headers: { "x-request": "1" } }),
        RetryPolicy.provide(RetryPolicy.background)
      )
      assert.strictEqual(response.status, 400)
      assert.deepStrictEqual(tags(failures), ["InstallExchangeFailed"])
      assert.deepStrictEqual(calls, ["layer"])
    }))
})

describe("a server that shuts down", () => {
  it.effect("ends in time, also when onInstalled cannot be interrupted", () =>
    Effect.gen(function*() {
      const started = yield* Deferred.make<void>()
      const server = yield* Effect.fork(Effect.scoped(Effect.gen(function*() {
        const { browser } = yield* counted({
          onInstalled: () => Effect.zipRight(Deferred.succeed(started, void 0), Effect.uninterruptible(Effect.never))
        })
        yield* Effect.fork(Effect.flatMap(allowed(browser), (url) => browser.get(url)))
        yield* Deferred.await(started)
      })))
      const { seconds } = yield* untilDone(server)
      assert.isAtMost(seconds, 70)
    }).pipe(Effect.provide(world())))
})

// -------------------------------------------------------------------------------------
// stores that never answer
// -------------------------------------------------------------------------------------

describe("a store of pending installs that does not fail as its type says", () => {
  const none = PendingInstall.layerMemory()
  const broken: Record<string, Effect.Effect<never>> = {
    "never answers": Effect.never,
    "never answers and cannot be interrupted": Effect.uninterruptible(Effect.never),
    "dies": Effect.die("canary"),
    "interrupts itself": Effect.interrupt
  }
  for (const [name, answer] of Object.entries(broken)) {
    it.scoped(`${name}: begin and callback say to try again`, () =>
      Effect.gen(function*() {
        const good = yield* PendingInstall.PendingInstallStore
        let works = false
        const store: PendingInstall.Service = {
          save: (...args) => works ? good.save(...args) : answer,
          consume: (...args) => works ? good.consume(...args) : answer
        }
        const { browser, failures } = yield* counted().pipe(
          Effect.provideService(PendingInstall.PendingInstallStore, store)
        )
        const begin = yield* untilDone(yield* Effect.fork(browser.get(`${origin}/slack/install`)))
        assert.deepStrictEqual([begin.value.status, begin.seconds <= 30], [503, true])
        works = true
        const url = yield* allowed(browser)
        const refused = yield* SlackEmulator.cancel({ url: yield* browser.begin() })
        works = false
        const callback = yield* untilDone(yield* Effect.fork(browser.get(url)))
        assert.deepStrictEqual([callback.value.status, callback.seconds <= 30], [503, true])
        const refusal = yield* untilDone(yield* Effect.fork(browser.get(refused.url)))
        assert.deepStrictEqual([refusal.value.status, refusal.seconds <= 30], [403, true])
        assert.deepStrictEqual(tags(failures), ["InstallStoreFailed", "InstallStoreFailed", "InstallDenied"])
        works = true
        assert.strictEqual((yield* browser.get(url)).status, 303)
      }).pipe(Effect.provide(none), Effect.provide(slack())))
  }

  it.effect("has a deadline also over a backend of the caller", () =>
    Effect.gen(function*() {
      for (const answer of Object.values(broken)) {
        const store = PendingInstall.make({ put: () => answer, take: () => answer })
        const { seconds, value } = yield* untilDone(yield* Effect.fork(Effect.either(store.consume("a-hash", ""))))
        assert.strictEqual(Either.isLeft(value) && value.left._tag, "PendingInstallStoreError")
        assert.isAtMost(seconds, 20)
      }
    }))
})

describe("a retry policy of the whole program", () => {
  const busy = (
    policy: Layer.Layer<RetryPolicy.RetryPolicy, ConfigError.ConfigError>,
    options: Partial<InstallFlow.Options<void>>
  ) =>
    Effect.gen(function*() {
      const { browser } = yield* counted({ retryPolicy: undefined, ...options })
      const url = yield* allowed(browser)
      yield* SlackEmulator.inject({
        fault: SlackEmulator.rateLimited({ retryAfter: "60 seconds" }),
        method: "oauth.v2.access",
        times: 2
      })
      return yield* untilDone(yield* Effect.fork(browser.get(url)))
    }).pipe(
      Effect.scoped,
      Effect.provide(PendingInstall.layerMemory()),
      Effect.provide(
        OAuthV2.layer.pipe(
          Layer.provideMerge(policy),
          Layer.provide(SlackEmulator.layerHttpClient),
          Layer.provideMerge(SlackEmulator.layerSlackApp()),
          Layer.provideMerge(SlackEmulator.layer())
        )
      )
    )

  it.effect("does not apply to an install, because a browser waits", () =>
    Effect.gen(function*() {
      const { seconds, value } = yield* busy(RetryPolicy.layer(RetryPolicy.background), {})
      assert.strictEqual(value.status, 503)
      assert.isAtMost(seconds, 10)
    }))

  it.effect("is replaced by the option of the flow", () =>
    Effect.gen(function*() {
      const { seconds, value } = yield* busy(RetryPolicy.layer(RetryPolicy.interactive), {
        retryPolicy: RetryPolicy.background
      })
      assert.strictEqual(value.status, 303)
      assert.isAtLeast(seconds, 120)
    }))
})
