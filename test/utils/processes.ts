/**
 * Tests with several processes: {@link withProcesses} gives a test one database, one emulated Slack on a port, and worker
 * processes that use both. A test can kill a process, or pause it, and sees every request for tokens.
 *
 * The workers run `workers/tokenWorker.ts`. A new kind of work is a new `Task` there.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenCipher from "effect-slack-oauth/TokenCipher"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { spawn } from "node:child_process"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import * as Readline from "node:readline"
import { bundle } from "./bundle.js"
import { connect } from "./databases.js"
import { redeem } from "./installations.js"
import { grantOf } from "./workers/grantId.js"
import type { Settings, Task } from "./workers/tokenWorker.js"

// -------------------------------------------------------------------------------------
// processes
// -------------------------------------------------------------------------------------

/** A worker in a process of its own. */
export interface WorkerProcess {
  readonly name: string
  /** Tells it to begin. Tasks without a command to begin have begun already. */
  readonly go: Effect.Effect<void>
  /** Gives it a command, and waits for the answer, whose only field has the command's name. */
  readonly tell: (command: string) => Effect.Effect<any>
  /** Waits until it ends or is killed, and returns the last line that it wrote. */
  readonly result: Effect.Effect<any>
  /** Kills it, as `kill -9` does, and waits for its end. */
  readonly kill: Effect.Effect<void>
  /** Pauses it, as a suspended laptop does. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
}

/** The worker in one file, because processes that are often killed have to start quickly. */
let bundled: Promise<string> | undefined
const bundledWorker = Effect.promise(() => bundled ??= bundle("test/utils/workers/tokenWorker.ts"))

const spawnWorker = (script: string, settings: Settings, task: Task) => {
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env.PATH, TASK: JSON.stringify({ settings, task }) },
    stdio: ["pipe", "pipe", "pipe"]
  })
  let last: any
  let stderr = ""
  child.stderr.on("data", (data) => stderr += String(data))
  child.stdin.on("error", () => {})
  let isReady = () => {}
  const listeners = new Map<string, (answer: any) => void>()
  const ready = new Promise<void>((resolve) => isReady = resolve)
  Readline.createInterface({ input: child.stdout }).on("line", (line) => {
    const message = line.startsWith("{") ? JSON.parse(line) : undefined
    const answered = Object.keys(message ?? {}).find((name) => listeners.has(name))
    if (message?.ready !== undefined) isReady()
    else if (answered !== undefined) listeners.get(answered)!(message[answered])
    else if (message !== undefined) last = message
    else stderr += `${line}\n`
  })
  const result = new Promise<any>((resolve, reject) =>
    child.once("close", (code, signal) => {
      isReady()
      if (code === 0 || signal !== null) resolve(last)
      else reject(new Error(`${settings.name} ended with ${code}: ${stderr}`))
    })
  )
  result.catch(() => {})
  const signal = (name: NodeJS.Signals) => Effect.sync(() => void child.kill(name))
  const worker: WorkerProcess = {
    name: settings.name,
    go: Effect.sync(() => void child.stdin.write("go\n")),
    tell: (command) =>
      Effect.promise(() =>
        new Promise((resolve, reject) => {
          const ended = () => reject(new Error(`${settings.name} ended before it answered "${command}": ${stderr}`))
          child.once("close", ended)
          listeners.set(command, (answer) => {
            listeners.delete(command)
            child.off("close", ended)
            resolve(answer)
          })
          child.stdin.write(`${command}\n`)
        })
      ),
    result: Effect.promise(() => result),
    kill: Effect.zipRight(signal("SIGKILL"), Effect.promise(() => result)),
    pause: signal("SIGSTOP"),
    resume: signal("SIGCONT")
  }
  return { ready: Effect.promise(() => ready), worker }
}

// -------------------------------------------------------------------------------------
// Slack
// -------------------------------------------------------------------------------------

/** A request for tokens, as the server saw it. */
export interface TokenRequest {
  /** The name of the process that sent it. */
  readonly process: string
  readonly grant: string
  /** When it was sent, by the sender's clock. On a busy machine it may arrive much later. */
  readonly at: number
  readonly arrivedAt: number
  /** Whether its sender had a token for this grant already. */
  readonly hadAnswer: boolean
  /** The status of an answer that was sent to its end, and when that was. */
  status: number | undefined
  answeredAt: number | undefined
}

export interface Requests {
  /** All requests so far, in the order in which they arrived. */
  readonly all: ReadonlyArray<TokenRequest>
  /** Waits for the next request, or for the next one that fits. */
  readonly next: (isMeant?: (request: TokenRequest) => boolean) => Effect.Effect<TokenRequest>
}

const makeRequests = () => {
  const all: Array<TokenRequest> = []
  const waiting = new Set<(request: TokenRequest) => void>()
  const add = (request: TokenRequest) => {
    all.push(request)
    for (const look of Array.from(waiting)) look(request)
  }
  const next: Requests["next"] = (isMeant = () => true) =>
    Effect.async((resume) => {
      const look = (request: TokenRequest) => {
        if (!isMeant(request)) return
        waiting.delete(look)
        resume(Effect.succeed(request))
      }
      waiting.add(look)
      return Effect.sync(() => waiting.delete(look))
    })
  return { add, all, next }
}

/** Slack on a port, and our client for it. The workers name themselves and their grants in headers. */
const slackOnPort = (options: SlackEmulator.Options, onRequest: (request: TokenRequest) => void) => {
  const observe = (request: IncomingMessage, response: ServerResponse) => {
    const { "x-grant": grant, "x-had-answer": hadAnswer, "x-process": process, "x-sent-at": sentAt } = request.headers
    if (typeof grant !== "string" || typeof process !== "string") return
    const seen: TokenRequest = {
      process,
      grant,
      at: Number(sentAt),
      arrivedAt: Date.now(),
      hadAnswer: hadAnswer === "true",
      status: undefined,
      answeredAt: undefined
    }
    response.once("finish", () => {
      seen.status = response.statusCode
      seen.answeredAt = Date.now()
    })
    onRequest(seen)
  }
  const server = () => {
    const server = createServer()
    server.on("request", observe)
    return server
  }
  return OAuthV2.layer.pipe(
    Layer.provideMerge(
      Layer.mergeAll(FetchHttpClient.layer, SlackEmulator.layerSlackAppServed(), SlackEmulator.serve())
    ),
    Layer.provideMerge(SlackEmulator.layer({ historySize: 1_000_000, ...options })),
    Layer.provideMerge(NodeHttpServer.layer(server, { port: 0, host: "127.0.0.1" }))
  )
}

// -------------------------------------------------------------------------------------
// a test
// -------------------------------------------------------------------------------------

export interface Options {
  /** The URL of an empty database: `libsqlUrl` and `schemaUrl` make one. */
  readonly database: string
  /** In how many workspaces the app is installed, each with a bot token. */
  readonly workspaces: number
  readonly slack?: Omit<SlackEmulator.Options, "workspaces">
  /** What is stored instead of a new installation. */
  readonly installed?: (installation: Installation.Installation) => Installation.Installation
}

export interface Processes {
  /** The installations, as they were stored. */
  readonly installations: ReadonlyArray<Installation.Installation>
  readonly requests: Requests
  /**
   * Starts a process, and waits until it is ready. It is killed when the scope closes. `database` is another way to the
   * same database.
   */
  readonly start: (
    task: Task,
    options?: { readonly database?: string }
  ) => Effect.Effect<WorkerProcess, never, Scope.Scope>
  /** Starts several at once. */
  readonly startAll: (count: number, task: Task) => Effect.Effect<ReadonlyArray<WorkerProcess>, never, Scope.Scope>
}

const storeOf = (url: string) =>
  SqlInstallationStore.layer.pipe(
    Layer.provide(connect(url, { maxConnections: 4 })),
    Layer.provide(TokenCipher.layerPlain)
  )

/** Installs the app in a workspace. */
const install = (workspace: string, installed: NonNullable<Options["installed"]>) =>
  Effect.gen(function*() {
    const installation = Installation.fromTokenResponse(yield* redeem({ workspace }), yield* DateTime.now)
    return yield* InstallationStore.save(installed(installation))
  })

/** Runs a test with processes. The test itself can also use the store, and Slack through our client. */
export const withProcesses = <A, E, R>(
  { database, installed = (installation) => installation, slack, workspaces }: Options,
  test: (processes: Processes) => Effect.Effect<A, E, R>
) => {
  const teams = Array.from({ length: workspaces }, (_, index) => `T0ROUND${index}`)
  const requests = makeRequests()
  return Effect.gen(function*() {
    const script = yield* bundledWorker
    const { baseUrl, clientId, clientSecret } = yield* SlackApp.SlackApp
    const { id: appId } = yield* SlackEmulator.app
    const installations = yield* Effect.forEach(teams, (team) => install(team, installed), { concurrency: 4 })
    let started = 0
    const start: Processes["start"] = (task, options) =>
      Effect.suspend(() => {
        const settings: Settings = {
          database,
          baseUrl,
          clientId,
          clientSecret: Redacted.value(clientSecret!),
          name: `process ${started++}`,
          appId,
          teams,
          ...options
        }
        return Effect.acquireRelease(
          Effect.sync(() => spawnWorker(script, settings, task)),
          ({ worker }) => worker.kill
        )
      }).pipe(
        Effect.tap(({ ready }) => ready),
        Effect.map(({ worker }) => worker)
      )
    const startAll: Processes["startAll"] = (count, task) =>
      Effect.forEach(Array.from({ length: count }), () => start(task), { concurrency: "unbounded" })
    return yield* test({ installations, requests, start, startAll })
  }).pipe(
    Effect.scoped,
    Effect.provide(storeOf(database)),
    Effect.provide(slackOnPort({ ...slack, workspaces: teams.map((id) => ({ id })) }, requests.add))
  )
}

// -------------------------------------------------------------------------------------
// checks of the store against Slack
// -------------------------------------------------------------------------------------

/** The bots in the store, with their workspaces. */
export const storedBots = Effect.flatMap(
  InstallationStore.InstallationStore,
  (store) =>
    Effect.map(Stream.runCollect(store.stream), (chunk) =>
      Array.from(chunk).flatMap(({ bot, key, target }) => {
        const team = target._tag === "Workspace" ? target.team.id : ""
        return Option.isSome(bot) ? [{ team, key, credential: bot.value }] : []
      }))
)

/** The emulator's chains, by workspace. */
export const chainsByWorkspace = Effect.map(
  SlackEmulator.chains,
  (chains) => new Map(chains.map((chain) => [chain.target, chain]))
)

/**
 * Refreshes every bot once more, and returns the problems: Slack refuses what is stored, or the chain is lost.
 */
export const brokenBots = (leaseMillis: number) =>
  Effect.gen(function*() {
    const manager = yield* TokenManager.make({ leaseDuration: leaseMillis })
    const store = yield* InstallationStore.InstallationStore
    const has = (tokens: ReadonlyArray<Redacted.Redacted>, token: Redacted.Redacted) =>
      tokens.some((other) => Redacted.value(other) === Redacted.value(token))
    const bots = yield* storedBots
    const broken = yield* Effect.forEach(bots, ({ key, team }) =>
      Effect.gen(function*() {
        const credentialKey = Installation.botKey(key)
        yield* Effect.ignore(manager.refresh(credentialKey))
        // Checked at once, because these tokens live for seconds.
        const credential = yield* Effect.flatten(store.credential(credentialKey))
        const refreshToken = yield* Installation.refreshTokenOf(credential)
        const live = (yield* chainsByWorkspace).get(team)!
        const problem = !has(live.liveRefreshTokens, refreshToken)
          ? "the chain is lost"
          : !has(live.liveAccessTokens, credential.token.accessToken)
          ? "Slack does not take what is stored"
          : undefined
        return problem === undefined ? [] : [{ team, grant: grantOf(Redacted.value(refreshToken)), problem }]
      }))
    return broken.flat()
  })
