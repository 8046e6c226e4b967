/** What all rounds share: worker processes, one emulator served over HTTP, installations of many teams. */
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
import * as Stream from "effect/Stream"
import { type ChildProcess, spawn } from "node:child_process"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import * as Readline from "node:readline"
import { bundle } from "./bundle.js"
import { connect } from "./databases.js"
import { grantOf } from "./workers/grantId.js"
import type { Settings, Task } from "./workers/tokenWorker.js"

// -------------------------------------------------------------------------------------
// processes
// -------------------------------------------------------------------------------------

/** The worker in one file, since a process that is killed every other second has to start quickly. */
let bundled: Promise<string> | undefined
export const bundledWorker = Effect.promise(() => bundled ??= bundle("test/utils/workers/tokenWorker.ts"))

export interface Worker {
  readonly name: string
  readonly child: ChildProcess
  readonly ready: Promise<void>
  /** The last thing that it said, when it is through. */
  readonly result: Promise<any>
  readonly go: () => void
  /** Gives a command, and waits for the answer, whose only field has the command's name. */
  readonly tell: (command: string) => Promise<any>
}

export const start = (worker: string, settings: Settings, task: Task): Worker => {
  const child = spawn(process.execPath, [worker], {
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
  return {
    name: settings.name,
    child,
    ready,
    result,
    go: () => void child.stdin.write("go\n"),
    tell: (command) =>
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
  }
}

// -------------------------------------------------------------------------------------
// Slack
// -------------------------------------------------------------------------------------

/** A request as the server saw it. */
export interface Sending {
  readonly process: string
  readonly grant: string
  /** When, by its sender's clock: on a busy machine it may be under way for a while. */
  readonly at: number
  /** When it arrived. */
  readonly arrivedAt: number
  /** Whether its sender had a token for this grant already. */
  readonly hadAnswer: boolean
  /** The status of an answer that was sent to its end, and when that was. */
  status: number | undefined
  answeredAt: number | undefined
}

export const serving = (options: SlackEmulator.Options, onSending: (sending: Sending) => void = () => {}) => {
  const observe = (request: IncomingMessage, response: ServerResponse) => {
    const { "x-grant": grant, "x-had-answer": hadAnswer, "x-process": process, "x-sent-at": sentAt } = request.headers
    if (typeof grant !== "string" || typeof process !== "string") return
    const sending: Sending = {
      process,
      grant,
      at: Number(sentAt),
      arrivedAt: Date.now(),
      hadAnswer: hadAnswer === "true",
      status: undefined,
      answeredAt: undefined
    }
    response.once("finish", () => {
      sending.status = response.statusCode
      sending.answeredAt = Date.now()
    })
    onSending(sending)
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

export const storeOf = (url: string) =>
  SqlInstallationStore.layer.pipe(
    Layer.provide(connect(url, { maxConnections: 4 })),
    Layer.provide(TokenCipher.layerPlain)
  )

export const teamsOf = (size: number) => Array.from({ length: size }, (_, index) => `T0ROUND${index}`)

export const settingsFor = (database: string, teams: ReadonlyArray<string>) =>
  Effect.map(
    Effect.all([SlackApp.SlackApp, SlackEmulator.app]),
    ([{ baseUrl, clientId, clientSecret }, app]) => (name: string): Settings => ({
      database,
      baseUrl,
      clientId,
      clientSecret: Redacted.value(clientSecret!),
      name,
      appId: app.id,
      teams
    })
  )

/** Installs the app everywhere. */
export const installAll = (
  teams: ReadonlyArray<string>,
  change = (installation: Installation.Installation) => installation
) =>
  Effect.forEach(teams, (workspace) =>
    Effect.gen(function*() {
      const { code } = yield* SlackEmulator.authorize({ workspace })
      const response = yield* OAuthV2.access({ code })
      const installation = Installation.fromTokenResponse(response, yield* DateTime.now)
      return yield* InstallationStore.save(change(installation))
    }), { concurrency: 4 })

export const storedBots = Effect.flatMap(
  InstallationStore.InstallationStore,
  (store) =>
    Effect.map(Stream.runCollect(store.stream), (chunk) =>
      Array.from(chunk).flatMap(({ bot, key, target }) => {
        const team = target._tag === "Workspace" ? target.team.id : ""
        return Option.isSome(bot) ? [{ team, key, credential: bot.value }] : []
      }))
)

export const chainOf = Effect.map(
  SlackEmulator.chains,
  (chains) => new Map(chains.map((chain) => [chain.target, chain]))
)

/**
 * Refreshes every bot once more, and says what is wrong with which: Slack does not take what is stored, or its chain is
 * lost.
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
        // Looked at at once, since these tokens live for seconds.
        const credential = yield* Effect.flatten(store.credential(credentialKey))
        const refreshToken = yield* Installation.refreshTokenOf(credential)
        const live = (yield* chainOf).get(team)!
        const problem = !has(live.liveRefreshTokens, refreshToken)
          ? "the chain is lost"
          : !has(live.liveAccessTokens, credential.token.accessToken)
          ? "Slack does not take what is stored"
          : undefined
        return problem === undefined ? [] : [{ team, grant: grantOf(Redacted.value(refreshToken)), problem }]
      }))
    return broken.flat()
  })
