/**
 * The task `Ask` of `tokenWorker.ts`: asks for tokens all the time, checks each answer, and counts. The parent tells it by
 * commands when to begin, to settle and to close.
 */
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenResponse from "effect-slack-oauth/TokenResponse"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { endOfToken } from "../../../src/internal/expiry.js"

export interface Options {
  readonly fibers: number
  readonly leaseMillis: number
  /** Whether the process also saves and removes an installation of its own. */
  readonly installs: boolean
  /** How long a statement waits for other writers of a libsql file, in milliseconds. */
  readonly busyTimeout?: number
}

/** The answer to `settle`. */
export interface Settled {
  readonly asks: number
  /** Answers of `TokenUnavailable`. */
  readonly unavailable: number
  /** Answers of `ReauthorizationRequired`. */
  readonly reauthorization: number
  readonly saves: number
  readonly removes: number
  /** Saves and removes that failed with an `InstallationStoreError`. */
  readonly storeErrors: number
  /** What must not happen: an expired token, a valid one that is not served, a defect. The first five, as texts. */
  readonly wrong: ReadonlyArray<string>
  /** The workspaces whose credential is dead, as far as this process knows. */
  readonly dead: ReadonlyArray<string>
  /** Calls that had not ended at the parent's deadline. */
  readonly hanging: number
  readonly longestWait: number
  /** The longest time for which the event loop stood still. */
  readonly longestGap: number
}

/** How long calls may take to end once nobody begins new ones, and to succeed once nothing is wrong any more. */
const patience = Duration.seconds(30)

/** How long ago, in milliseconds, the manager may have decided on an answer when this process looks at it. */
const handover = 250

const brief = (cause: Cause.Cause<unknown>): string => Cause.pretty(cause).split("\n", 1)[0]!

/** Records the expiry of each token that this process has seen. */
const makeWatch = () => {
  const expiries = new Map<string, number>()
  const latest = new Map<string, number>()
  const note = (key: Installation.CredentialKey, credential: Installation.Credential | undefined) => {
    if (credential === undefined) return
    const expiresAt = endOfToken(credential.token)
    expiries.set(Redacted.value(credential.token.accessToken), expiresAt)
    if (Option.isNone(credential.reauthorization)) {
      latest.set(String(key), Math.max(expiresAt, latest.get(String(key)) ?? 0))
    }
  }
  return {
    expiryOf: (token: Redacted.Redacted) => expiries.get(Redacted.value(token)),
    /** When the last of the tokens expires that this process knows for a credential. */
    latestOf: (key: Installation.CredentialKey) => latest.get(String(key)) ?? 0,
    store: (store: InstallationStore.Service): InstallationStore.Service => ({
      ...store,
      credential: (key) =>
        Effect.tap(
          store.credential(key),
          (credential) => Effect.sync(() => note(key, Option.getOrUndefined(credential)))
        ),
      compareAndSet: (key, generation, change) =>
        Effect.tap(
          store.compareAndSet(key, generation, change),
          (swap) =>
            Effect.sync(() =>
              note(key, swap._tag === "Swapped" ? swap.credential : Option.getOrUndefined(swap.current))
            )
        )
    }),
    slack: (slack: OAuthV2.Service): OAuthV2.Service => ({
      ...slack,
      access: (request) =>
        Effect.tap(slack.access(request), ({ bot }) => {
          if (Option.isSome(bot)) expiries.set(Redacted.value(bot.value.accessToken), endOfToken(bot.value))
          return Effect.void
        })
    })
  }
}

/** Measures for how long the event loop is blocked. A process that was paused does not judge times. */
const makeTicks = () => {
  let last = performance.now()
  let gapBefore = 0
  let longestGap = 0
  const look = () => {
    const gap = performance.now() - last
    longestGap = Math.max(longestGap, gap)
    return gap
  }
  return {
    start: () => {
      last = performance.now()
      setInterval(() => {
        gapBefore = look()
        last = performance.now()
      }, 20).unref()
    },
    /** Whether the event loop has run without a break, so that the clock is right about when something happened. */
    isAwake: () => Math.max(gapBefore, look()) < 200,
    longestGap: () => longestGap
  }
}

export const run = (
  keys: ReadonlyArray<Installation.InstallationKey>,
  options: Options,
  baseUrl: string,
  commands: Queue.Dequeue<string>,
  say: (message: unknown) => Effect.Effect<void>
) =>
  Effect.gen(function*() {
    const watch = makeWatch()
    const ticks = makeTicks()
    const client = yield* HttpClient.HttpClient
    const store = watch.store(yield* InstallationStore.InstallationStore)
    const scope = yield* Scope.make()
    const manager = yield* TokenManager.make({ leaseDuration: options.leaseMillis, cacheTime: 500, jitter: 0.5 }).pipe(
      Effect.provideService(InstallationStore.InstallationStore, store),
      Effect.provideService(OAuthV2.OAuthV2, watch.slack(yield* OAuthV2.OAuthV2)),
      Scope.extend(scope)
    )

    const counts = { asks: 0, unavailable: 0, reauthorization: 0, saves: 0, removes: 0, storeErrors: 0 }
    const wrong: Array<string> = []
    const dead: Array<string> = []
    let underWay = 0
    let longestWait = 0
    /** Half of the credentials are unknown to this process until it is told to ask for all. */
    let asked = Math.ceil(keys.length / 2)
    let isOver = false

    const complain = (what: string) => {
      if (wrong.length < 5) wrong.push(what)
    }

    const timed = <A, E, R>(call: Effect.Effect<A, E, R>) =>
      Effect.suspend(() => {
        const startedAt = performance.now()
        underWay++
        return Effect.map(Effect.exit(call), (exit) => {
          underWay--
          longestWait = Math.max(longestWait, performance.now() - startedAt)
          if (Exit.isFailure(exit) && Cause.isDie(exit.cause)) complain(brief(exit.cause))
          return exit
        })
      })

    const ask = (key: Installation.InstallationKey) =>
      Effect.map(timed(manager.botToken(key)), (exit) => {
        const now = Date.now()
        counts.asks++
        if (Exit.isSuccess(exit)) {
          const expiresAt = watch.expiryOf(exit.value)
          if (expiresAt === undefined) complain(`${key}: a token that nobody gave this process`)
          else if (ticks.isAwake() && expiresAt <= now - handover) complain(`${key}: expired for ${now - expiresAt} ms`)
          return
        }
        const error = Cause.failureOption(exit.cause)
        if (Option.isNone(error)) return
        if (error.value._tag === "TokenUnavailable") {
          counts.unavailable++
          const left = watch.latestOf(Installation.botKey(key)) - now
          if (ticks.isAwake() && left > handover) complain(`withheld, good for ${left} ms: ${error.value.message}`)
        } else if (error.value._tag === "ReauthorizationRequired") {
          counts.reauthorization++
        } else {
          complain(error.value.message)
        }
      })

    const asking = Effect.gen(function*() {
      while (!isOver) {
        yield* ask(keys[yield* Random.nextIntBetween(0, asked)]!)
        yield* Effect.sleep("50 millis")
      }
    })

    // ---- an installation of its own, with a token that does not expire

    const team = { id: `T0OWN${process.pid}`, name: Option.none() }
    const ownInstallation = Effect.map(DateTime.now, (at) =>
      Installation.fromTokenResponse(
        new TokenResponse.TokenResponse({
          appId: keys[0]!.appId,
          target: new TokenResponse.Workspace({ team, enterprise: Option.none() }),
          bot: Option.none(),
          user: Option.some(
            new TokenResponse.UserToken({
              accessToken: Redacted.make("xoxp-test-own"),
              scopes: ["chat:write"],
              userId: Option.some("U0OWN"),
              expiry: Option.none()
            })
          ),
          authedUserId: Option.some("U0OWN"),
          incomingWebhook: Option.none(),
          warnings: []
        }),
        at
      ))
    const own = Installation.workspace(keys[0]!.appId, team.id)

    const stored = <A>(count: "saves" | "removes", call: Effect.Effect<A, InstallationStore.InstallationStoreError>) =>
      Effect.map(timed(call), (exit) => {
        if (Exit.isSuccess(exit)) counts[count]++
        else counts.storeErrors++
        return Exit.isSuccess(exit)
      })
    const save = stored("saves", Effect.flatMap(ownInstallation, (installation) => store.save(installation)))
    const remove = stored("removes", store.remove(own))

    const installing = Effect.gen(function*() {
      while (!isOver) {
        yield* save
        yield* Effect.sleep("50 millis")
        yield* remove
        yield* Effect.sleep("50 millis")
      }
    })

    // ---- the end of the round

    /** Calls Slack for an installation, as an app does. */
    const call = (key: Installation.InstallationKey): Effect.Effect<void> => {
      let last = "no answer"
      let deaths = 0
      return HttpClientRequest.post(`${baseUrl}/api/auth.test`).pipe(
        client.pipe(TokenManager.authorized(key)).execute,
        Effect.flatMap((response) => response.text),
        Effect.provideService(TokenManager.TokenManager, manager),
        // After a failure there is a pause, except for a forced refresh.
        Effect.tapErrorTag("TokenUnavailable", ({ message }) => {
          last = message
          return Effect.ignore(manager.refresh(Installation.botKey(key)))
        }),
        // A dead mark may be replaced: another process has the new token, and has not saved it yet.
        Effect.retry({
          while: ({ _tag }) => _tag === "TokenUnavailable" || (_tag === "ReauthorizationRequired" && deaths++ < 5),
          schedule: Schedule.spaced("1 second")
        }),
        Effect.timeoutFail({ duration: patience, onTimeout: () => new Error(last) }),
        Effect.matchCause({
          onFailure: (cause) => {
            const error = Option.getOrUndefined(Cause.failureOption(cause))
            if (error instanceof TokenManager.ReauthorizationRequired && key._tag === "Workspace") dead.push(key.teamId)
            else complain(`${key}, afterwards: ${brief(cause)}`)
          },
          onSuccess: (body) => {
            if (JSON.parse(body).ok !== true) complain(`${key}, afterwards: ${body}`)
          }
        })
      )
    }

    const settle = (askers: ReadonlyArray<Fiber.Fiber<void>>) =>
      Effect.gen(function*() {
        isOver = true
        yield* Effect.timeoutOption(Fiber.joinAll(askers), patience)
        const hanging = underWay
        const longestGap = Math.round(ticks.longestGap())
        const whileAsking = { ...counts, hanging, longestWait: Math.round(longestWait), longestGap }
        if (hanging === 0) {
          yield* Effect.forEach(keys, call, { concurrency: 4 })
          if (options.installs && !((yield* save) && (yield* remove))) complain("The store does not save, afterwards")
        }
        const settled: Settled = { ...whileAsking, wrong, dead }
        yield* say({ settle: settled })
      })

    let askers: ReadonlyArray<Fiber.Fiber<void>> = []
    while (true) {
      const command = yield* Queue.take(commands)
      if (command === "go") {
        ticks.start()
        const loops = [...Array.from({ length: options.fibers }, () => asking), ...options.installs ? [installing] : []]
        askers = yield* Effect.forEach(loops, (loop) => Effect.forkDaemon(loop))
      } else if (command === "all") {
        asked = keys.length
        yield* say({ all: true })
      } else if (command === "refresh") {
        yield* Effect.forEach(keys, (key) => Effect.forkDaemon(manager.refresh(Installation.botKey(key))))
        yield* say({ refresh: true })
      } else if (command === "settle") {
        yield* settle(askers)
      } else if (command === "close") {
        const startedAt = performance.now()
        const closed = yield* Effect.forkDaemon(Scope.close(scope, Exit.void))
        const exit = yield* Effect.timeoutOption(Fiber.await(closed), patience)
        yield* say({ close: Option.isSome(exit) ? Math.round(performance.now() - startedAt) : "never" })
        // A pool of connections that do not answer would keep the process alive.
        yield* Effect.sync(() => process.exit(0))
      }
    }
  })
