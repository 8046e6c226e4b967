/** A process of `withProcesses`. `TASK` has its task and its settings, as JSON. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenMigration from "effect-slack-oauth/TokenMigration"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Readline from "node:readline"
import { connect } from "../databases.js"
import * as Asking from "./askTask.js"
import { grantOf } from "./grantId.js"

export interface Settings {
  readonly database: string
  readonly baseUrl: string
  readonly clientId: string
  readonly clientSecret: string
  /** The name of this process in the parent's records. */
  readonly name: string
  readonly appId: string
  readonly teams: ReadonlyArray<string>
}

export type Task =
  /** When it is told to begin, each of its fibers reads every token once. */
  | { readonly _tag: "Read"; readonly fibers: number }
  /** Reads tokens at random until it is killed, over a store that sometimes fails. */
  | { readonly _tag: "Churn"; readonly fibers: number; readonly leaseMillis: number }
  /** Asks for tokens all the time, and reports the results. See `askTask.ts`. */
  | { readonly _tag: "Ask"; readonly options: Asking.Options }
  | { readonly _tag: "Migrate"; readonly ratePerMinute: number; readonly leaseMillis: number }

const { settings, task } = JSON.parse(process.env.TASK!) as { readonly settings: Settings; readonly task: Task }

const say = (message: unknown) => Effect.sync(() => process.stdout.write(`${JSON.stringify(message)}\n`))

/** The refresh tokens that Slack has answered with the next ones, as far as this process knows. */
const answered = new Set<string>()

/** These headers tell the parent which process sent which grant, when, and whether it already had an answer to it. */
const client = Layer.effect(
  HttpClient.HttpClient,
  Effect.map(
    HttpClient.HttpClient,
    HttpClient.mapRequest((request) => {
      if (request.body._tag !== "Uint8Array") return request
      const { body } = request.body
      const refreshToken = new URLSearchParams(Buffer.from(body).toString()).get("refresh_token")
      return HttpClientRequest.setHeaders(request, {
        "x-process": settings.name,
        "x-sent-at": String(Date.now()),
        "x-grant": grantOf(refreshToken ?? body),
        "x-had-answer": String(refreshToken !== null && answered.has(refreshToken))
      })
    })
  )
).pipe(Layer.provide(FetchHttpClient.layer))

const noteAnswers = (slack: OAuthV2.Service): OAuthV2.Service => ({
  ...slack,
  access: (grant) =>
    Effect.tap(slack.access(grant), () => {
      if ("refreshToken" in grant && grant.refreshToken !== undefined) {
        answered.add(Redacted.isRedacted(grant.refreshToken) ? Redacted.value(grant.refreshToken) : grant.refreshToken)
      }
      return Effect.void
    })
})

const broken = (operation: string) =>
  new InstallationStore.InstallationStoreError({ operation, reason: "unavailable", code: "ETEST" })

/** A store that is slow, and sometimes fails to commit or loses its reply. */
const faulty = (store: InstallationStore.Service): InstallationStore.Service => ({
  ...store,
  compareAndSet: (key, generation, change) =>
    Effect.gen(function*() {
      yield* Effect.sleep(yield* Random.nextIntBetween(0, 50))
      if ((yield* Random.next) < 0.1) return yield* broken("compareAndSet")
      const swap = yield* store.compareAndSet(key, generation, change)
      if ((yield* Random.next) < 0.05) return yield* broken("compareAndSet")
      return swap
    })
})

/** Eight processes that refresh a hundred tokens at once wait for one file longer than the default allows. */
const busyTimeout = task._tag === "Ask" ? task.options.busyTimeout : task._tag === "Read" ? 20_000 : undefined

const storeLayer = SqlInstallationStore.layer.pipe(
  Layer.provide(connect(settings.database, { maxConnections: 4, busyTimeout })),
  Layer.provide(TokenCipher.layerPlain)
)

const layer = Layer.effect(OAuthV2.OAuthV2, Effect.map(OAuthV2.OAuthV2, noteAnswers)).pipe(
  Layer.provide(OAuthV2.layer),
  Layer.provideMerge(
    SlackApp.layer({
      clientId: settings.clientId,
      clientSecret: settings.clientSecret,
      baseUrl: settings.baseUrl
    })
  ),
  Layer.provide(client),
  Layer.provideMerge(storeLayer)
)

const keys = settings.teams.map((team) => Installation.workspace(settings.appId, team))

const go = Effect.gen(function*() {
  const told = yield* Deferred.make<void>()
  const lines = Readline.createInterface({ input: process.stdin })
  lines.once("line", () => {
    Deferred.unsafeDone(told, Effect.void)
    lines.close()
    // An open pipe would keep the process alive.
    process.stdin.destroy()
  })
  yield* say({ ready: settings.name })
  yield* Deferred.await(told)
})

const read = (fibers: number) =>
  Effect.gen(function*() {
    const tokens = new Map<string, Set<string>>()
    const errors: Array<string> = []
    let reads = 0
    yield* go
    yield* Effect.forEach(
      Array.from({ length: fibers }),
      () =>
        Effect.flatMap(Random.shuffle(keys), (shuffled) =>
          Effect.forEach(shuffled, (key) =>
            Effect.match(TokenManager.botToken(key), {
              onFailure: (error) => {
                errors.push(error.message)
              },
              onSuccess: (token) => {
                reads++
                const seen = tokens.get(String(key)) ?? new Set()
                tokens.set(String(key), seen.add(Redacted.value(token)))
              }
            }), { concurrency: "unbounded", discard: true })),
      { concurrency: "unbounded", discard: true }
    )
    yield* say({ reads, errors, tokens: Array.from(tokens, ([key, seen]) => [key, Array.from(seen)]) })
    // Forty thousand readers share two cores, so a process may read an answer late.
  }).pipe(Effect.provide(TokenManager.layer({ leaseDuration: "2 minutes" })))

const churn = (fibers: number, leaseMillis: number) =>
  Effect.gen(function*() {
    yield* say({ ready: settings.name })
    yield* Effect.forEach(
      Array.from({ length: fibers }),
      () =>
        Effect.forever(Effect.gen(function*() {
          const key = keys[yield* Random.nextIntBetween(0, keys.length)]!
          yield* Effect.ignore(TokenManager.botToken(key))
          yield* Effect.sleep("25 millis")
        })),
      { concurrency: "unbounded", discard: true }
    )
  }).pipe(
    Effect.provide(TokenManager.layer({ leaseDuration: leaseMillis, cacheTime: 500, jitter: 0.5 })),
    Effect.provide(Layer.effect(
      InstallationStore.InstallationStore,
      Effect.map(InstallationStore.InstallationStore, faulty)
    ))
  )

/** The parent's commands, one a line. */
const commands = Effect.gen(function*() {
  const queue = yield* Queue.unbounded<string>()
  Readline.createInterface({ input: process.stdin }).on("line", (line) => Queue.unsafeOffer(queue, line))
  yield* say({ ready: settings.name })
  return queue
})

const ask = (options: Asking.Options) =>
  Effect.flatMap(commands, (queue) => Asking.run(keys, options, settings.baseUrl, queue, say)).pipe(
    Effect.provide(FetchHttpClient.layer)
  )

const migrate = (ratePerMinute: number, leaseMillis: number) =>
  Effect.gen(function*() {
    yield* say({ ready: settings.name })
    const { alreadyExchanged, dead, exchanged, failed, skipped } = yield* TokenMigration.run({
      ratePerMinute,
      leaseDuration: leaseMillis,
      concurrency: 16
    })
    yield* say({ alreadyExchanged, dead, exchanged, failed, skipped })
  })

const work = (task: Task) => {
  switch (task._tag) {
    case "Read":
      return read(task.fibers)
    case "Churn":
      return churn(task.fibers, task.leaseMillis)
    case "Ask":
      return ask(task.options)
    case "Migrate":
      return migrate(task.ratePerMinute, task.leaseMillis)
  }
}

work(task).pipe(
  Effect.provide(layer),
  Logger.withMinimumLogLevel(LogLevel.Error),
  NodeRuntime.runMain
)
