/**
 * Random lives of a fleet: several processes read, refresh, are suspended and die at critical moments, Slack and the store
 * fail, the app is uninstalled and installed again, and events arrive late. The promises of `docs/token-rotation.md` must
 * hold after each step and at the end.
 *
 * The grace period is longer than any of these lives, so no chain may ever be lost.
 */
import { assert, describe } from "@effect/vitest"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as Lifecycle from "effect-slack-oauth/Lifecycle"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FastCheck from "effect/FastCheck"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/TestClock"
import * as Properties from "./utils/effect/properties.js"
import { authTest } from "./utils/emulator.js"
import { unavailable } from "./utils/faultyStore.js"

// -------------------------------------------------------------------------------------
// what can happen
// -------------------------------------------------------------------------------------

const slackFaults = {
  "a lost reply": SlackEmulator.cutAfterStateChange,
  "half a reply": SlackEmulator.cutInBody,
  "a false alarm": SlackEmulator.afterStateChange(SlackEmulator.code("internal_error")),
  "an alarm": SlackEmulator.code("fatal_error"),
  "a limit": SlackEmulator.rateLimited(),
  "a page": SlackEmulator.serverError(502),
  "an outage": SlackEmulator.serverError(503),
  "a delay": SlackEmulator.delay("4 seconds"),
  "more than patience": SlackEmulator.delay("20 seconds")
}

const operations = ["credential", "acquireLease", "compareAndSet", "releaseLease"] as const
type Operation = typeof operations[number]

/** The points at which a process can be suspended or killed: before and after store operations and the call to Slack. */
type Point = `${"before" | "after"} ${Operation | "call"}`

const points = [...operations, "call" as const].flatMap((name): ReadonlyArray<Point> => [
  `before ${name}`,
  `after ${name}`
])

/** A process that sleeps between its last look at the clock and the next step cannot notice that. */
const placesToFreeze = points.filter((point) => point !== "before call" && point !== "before compareAndSet")

const credentials = ["T0ONE bot", "T0ONE user", "T0TWO bot"] as const
const workspaces = ["T0ONE", "T0TWO"] as const
const person = "U0EMULATED"
type Workspace = typeof workspaces[number]

type Step =
  | {
    readonly do: "read" | "refresh" | "refuse"
    readonly process: number
    readonly credential: typeof credentials[number]
  }
  | { readonly do: "interrupt"; readonly which: number }
  | { readonly do: "wait"; readonly seconds: number }
  | { readonly do: "slack fails"; readonly fault: keyof typeof slackFaults; readonly times: number }
  | { readonly do: "store fails"; readonly process: number; readonly at: Point; readonly times: number }
  | { readonly do: "die" | "freeze"; readonly process: number; readonly at: Point }
  | { readonly do: "thaw" | "close"; readonly process: number }
  | { readonly do: "uninstall" | "install"; readonly workspace: Workspace }
  | { readonly do: "deliver"; readonly which: number }

const processes = 3
const process = FastCheck.nat(processes - 1)
const credential = FastCheck.constantFrom(...credentials)
const workspace = FastCheck.constantFrom(...workspaces)
const which = FastCheck.nat(20)
const at = FastCheck.constantFrom(...points)
const one = <const A extends string>(name: A) => FastCheck.constant(name)

const step: FastCheck.Arbitrary<Step> = FastCheck.oneof(
  { weight: 12, arbitrary: FastCheck.record({ do: one("read"), process, credential }) },
  { weight: 2, arbitrary: FastCheck.record({ do: one("refresh"), process, credential }) },
  { weight: 1, arbitrary: FastCheck.record({ do: one("refuse"), process, credential }) },
  { weight: 1, arbitrary: FastCheck.record({ do: one("interrupt"), which }) },
  {
    weight: 10,
    arbitrary: FastCheck.record({
      do: one("wait"),
      seconds: FastCheck.constantFrom(1, 5, 16, 31, 65, 660, 7200, 36_000, 43_200)
    })
  },
  {
    weight: 6,
    arbitrary: FastCheck.record({
      do: one("slack fails"),
      fault: FastCheck.constantFrom(...Object.keys(slackFaults) as Array<keyof typeof slackFaults>),
      times: FastCheck.integer({ min: 1, max: 3 })
    })
  },
  {
    weight: 4,
    arbitrary: FastCheck.record({ do: one("store fails"), process, at, times: FastCheck.integer({ min: 1, max: 6 }) })
  },
  { weight: 4, arbitrary: FastCheck.record({ do: one("die"), process, at }) },
  {
    weight: 3,
    arbitrary: FastCheck.record({ do: one("freeze"), process, at: FastCheck.constantFrom(...placesToFreeze) })
  },
  { weight: 2, arbitrary: FastCheck.record({ do: one("thaw"), process }) },
  { weight: 1, arbitrary: FastCheck.record({ do: one("close"), process }) },
  { weight: 1, arbitrary: FastCheck.record({ do: one("uninstall"), workspace }) },
  { weight: 2, arbitrary: FastCheck.record({ do: one("install"), workspace }) },
  { weight: 1, arbitrary: FastCheck.record({ do: one("deliver"), which }) }
)

// -------------------------------------------------------------------------------------
// a process that can be suspended or killed
// -------------------------------------------------------------------------------------

const leaseMillis = 30_000
const callMillis = leaseMillis / 2

/** One sending of a refresh token, and what its sender knows of the result. */
interface Sending {
  readonly process: Process
  readonly at: number
  /** How often the token was sent before. */
  readonly earlier: number
  /** Whether a process has slept while it had an answer to this token. */
  sleptOver: boolean
  outcome: "answered" | "rejected" | "unknown" | "none yet"
}

interface Process {
  readonly name: string
  readonly scope: Scope.CloseableScope
  readonly manager: TokenManager.Service
  isDead: boolean
  readonly doom: Map<Point, "die" | "freeze">
  readonly failures: Map<Point, number>
  readonly thaw: () => void
}

/** A dead process does nothing any more. A caller that waits for it would wait for ever. */
const nothing: Effect.Effect<never> = Effect.async(() => {})

const makeProcess = (name: string, record: (process: Process, token: string, at: number) => Sending) =>
  Effect.gen(function*() {
    const slack = yield* OAuthV2.OAuthV2
    const store = yield* InstallationStore.InstallationStore
    let thawed: Array<() => void> | undefined
    const doom: Process["doom"] = new Map()
    const failures: Process["failures"] = new Map()

    const pass = (at: Point): Effect.Effect<void> =>
      Effect.suspend(() => {
        const fate = doom.get(at)
        doom.delete(at)
        if (fate === "die") self.isDead = true
        if (fate === "freeze") thawed ??= []
        if (self.isDead) return nothing
        return thawed === undefined
          ? Effect.void
          : Effect.zipRight(Effect.async<void>((resume) => void thawed!.push(() => resume(Effect.void))), pass(at))
      })

    const fails = (at: Point) => {
      const left = failures.get(at) ?? 0
      failures.set(at, left - 1)
      return left > 0
    }

    const through = <A>(operation: Operation, effect: Effect.Effect<A, InstallationStore.InstallationStoreError>) =>
      Effect.gen(function*() {
        yield* pass(`before ${operation}`)
        if (fails(`before ${operation}`)) return yield* unavailable(operation)
        const result = yield* effect
        yield* pass(`after ${operation}`)
        return fails(`after ${operation}`) ? yield* unavailable(operation) : result
      })

    const scope = yield* Scope.make()
    const manager = yield* TokenManager.make({ leaseDuration: leaseMillis }).pipe(
      Scope.extend(scope),
      Effect.provideService(InstallationStore.InstallationStore, {
        ...store,
        credential: (key) => through("credential", store.credential(key)),
        acquireLease: (key, request) => through("acquireLease", store.acquireLease(key, request)),
        compareAndSet: (key, generation, change) =>
          through("compareAndSet", store.compareAndSet(key, generation, change)),
        releaseLease: (key, holder) => through("releaseLease", store.releaseLease(key, holder))
      }),
      Effect.provideService(OAuthV2.OAuthV2, {
        ...slack,
        access: (request) =>
          Effect.gen(function*() {
            yield* pass("before call")
            const sending = record(
              self,
              Redacted.value(request.refreshToken as Redacted.Redacted),
              yield* Clock.currentTimeMillis
            )
            return yield* Effect.gen(function*() {
              const answer = yield* Effect.exit(slack.access(request))
              sending.sleptOver ||= doom.get("after call") === "freeze"
              yield* pass("after call")
              const error = Exit.isFailure(answer)
                ? Option.getOrUndefined(Cause.failureOption(answer.cause))
                : undefined
              sending.outcome = Exit.isSuccess(answer)
                ? "answered"
                : error?.outcome === "rejected"
                ? "rejected"
                : "unknown"
              return yield* answer
            }).pipe(
              // The manager's deadline for the call may come first: in the same millisecond as the call's own, or while the
              // process is frozen with the answer.
              Effect.onInterrupt(() =>
                Effect.map(Clock.currentTimeMillis, (now) => {
                  if (now - sending.at >= callMillis) sending.outcome = "unknown"
                })
              )
            )
          })
      })
    )
    const self: Process = {
      name,
      scope,
      manager,
      isDead: false,
      doom,
      failures,
      thaw: () => {
        const waiting = thawed ?? []
        thawed = undefined
        for (const wake of waiting) wake()
      }
    }
    return self
  })

// -------------------------------------------------------------------------------------
// a life
// -------------------------------------------------------------------------------------

/** Moves the clock until an effect ends, for up to five minutes. The longest effect takes two leases and two calls. */
const untilOver = (what: string, isOver: Effect.Effect<boolean>): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let seconds = 0; seconds < 300; seconds += 10) {
      if (yield* isOver) return
      yield* TestClock.adjust("10 seconds")
    }
    return yield* Effect.dieMessage(`${what} has no end`)
  })

const isDone = <A, E>(fiber: Fiber.RuntimeFiber<A, E>): Effect.Effect<boolean> =>
  Effect.map(Fiber.poll(fiber), Option.isSome)

const awaitEnd = <A, E>(what: string, fiber: Fiber.RuntimeFiber<A, E>): Effect.Effect<A, E> =>
  Effect.zipRight(untilOver(what, isDone(fiber)), Fiber.join(fiber))

/** What is known of an installation without looking into a store or a manager. */
interface Place {
  /** Whether Slack has the app installed there. */
  isAlive: boolean
  isStored: boolean
  installedAt: number
  /** Goes up with whatever changes the above. */
  version: number
  readonly tokens: Map<string, string>
}

const live = (steps: ReadonlyArray<Step>) =>
  Effect.gen(function*() {
    const app = yield* SlackEmulator.app
    const store = yield* InstallationStore.InstallationStore
    const violations: Array<string> = []
    const sendings = new Map<string, Sending>()
    const expiries = new Map<string, number>()
    const events: Array<{ readonly workspace: Workspace; readonly at: number }> = []
    const readers: Array<Fiber.RuntimeFiber<void>> = []
    const places = new Map<Workspace, Place>(
      workspaces.map((workspace) => [
        workspace,
        { isAlive: false, isStored: false, installedAt: 0, version: 0, tokens: new Map() }
      ])
    )
    const placeOf = (workspace: Workspace) => places.get(workspace)!
    const installationKey = (workspace: Workspace) => Installation.workspace(app.id, workspace)
    const keyOf = (credential: typeof credentials[number]) => {
      const [workspace, kind] = credential.split(" ") as [Workspace, string]
      const key = installationKey(workspace)
      return { workspace, key: kind === "bot" ? Installation.botKey(key) : Installation.userKey(key, person) }
    }

    // ---- the rules about sending

    const record = (process: Process, token: string, at: number): Sending => {
      const before = sendings.get(token)
      const sending: Sending = {
        process,
        at,
        earlier: before === undefined ? 0 : before.earlier + 1,
        sleptOver: before?.sleptOver ?? false,
        outcome: "none yet"
      }
      sendings.set(token, sending)
      if (before !== undefined && at - before.at < leaseMillis) {
        const isRepetition = before.process === process && before.outcome === "unknown"
        if (before.outcome !== "rejected" && !isRepetition) {
          violations.push(
            `${process.name} sent what ${before.process.name} had sent ${at - before.at} ms before: ${before.outcome}`
          )
        }
      }
      return sending
    }

    const fleet: Array<Process> = []
    let born = 0
    const bear = Effect.suspend(() => makeProcess(`process ${born++}`, record))
    for (let index = 0; index < processes; index++) fleet.push(yield* bear)
    const replaceTheDead = Effect.gen(function*() {
      for (const [index, { isDead }] of fleet.entries()) if (isDead) fleet[index] = yield* bear
    })

    // ---- the rules about reading

    const note = (credential: Installation.Credential) => {
      const { accessToken, expiry } = credential.token
      expiries.set(
        Redacted.value(accessToken),
        Option.match(expiry, { onNone: () => Infinity, onSome: ({ expiresAt }) => expiresAt.epochMillis })
      )
    }

    const read = (process: Process, name: typeof credentials[number]) =>
      Effect.gen(function*() {
        const { key, workspace } = keyOf(name)
        const place = placeOf(workspace)
        const { version } = place
        const result = yield* Effect.exit(process.manager.token(key))
        if (process.isDead || Exit.isInterrupted(result)) return
        const now = yield* Clock.currentTimeMillis
        const before = violations.length
        if (Exit.isSuccess(result)) {
          const token = Redacted.value(result.value)
          place.tokens.set(name, token)
          const chains = yield* SlackEmulator.chains
          const isLive = chains.some(({ liveAccessTokens }) =>
            liveAccessTokens.some((live) => Redacted.value(live) === token)
          )
          // A token that Slack refuses may have been revoked unnoticed, but it must not have expired.
          if (!isLive && (expiries.get(token) ?? Infinity) <= now) violations.push("an expired token was served")
        } else if (place.version === version) {
          const tag = Option.match(Cause.failureOption(result.cause), {
            onNone: () => "a defect",
            onSome: (error) => error._tag
          })
          const isRight = tag === "TokenUnavailable" || (tag === "NotInstalled" && !place.isStored) ||
            (tag === "ReauthorizationRequired" && !place.isAlive)
          if (!isRight) violations.push(`${tag}, and it ${place.isAlive ? "is" : "is not"} installed`)
        }
        if (violations.length > before) violations.push(`  by ${process.name}, of ${name}`)
      })

    // ---- what happens

    const install = (workspace: Workspace) =>
      Effect.gen(function*() {
        yield* SlackEmulator.clearFaults
        const { code } = yield* SlackEmulator.authorize({
          workspace,
          scopes: ["chat:write"],
          userScopes: workspace === "T0ONE" ? ["search:read"] : []
        })
        const at = yield* DateTime.now
        const response = yield* OAuthV2.access({ code })
        const saved = yield* store.save(Installation.fromTokenResponse(response, at))
        for (const credential of saved.credentials) note(credential)
        const place = placeOf(workspace)
        place.isAlive = true
        place.isStored = true
        place.installedAt = at.epochMillis
        place.version++
      })

    const deliver = (index: number) =>
      Effect.gen(function*() {
        const [event] = events.splice(index, 1)
        if (event === undefined) return
        const place = placeOf(event.workspace)
        const seconds = Math.floor(event.at / 1000)
        const isNews = place.isStored && place.installedAt < seconds * 1000
        const { _tag } = yield* Lifecycle.handle({
          type: "event_callback",
          api_app_id: app.id,
          team_id: event.workspace,
          event_time: seconds,
          event: { type: "app_uninstalled" }
        })
        assert.strictEqual(_tag, isNews ? "Removed" : "Unchanged")
        if (isNews) {
          place.isStored = false
          place.version++
        }
      })

    const close = (index: number) =>
      Effect.gen(function*() {
        const process = fleet[index]!
        for (const [at, fate] of process.doom) if (fate === "freeze") process.doom.delete(at)
        process.thaw()
        // A process that dies never ends this fiber, so the test must not wait for it as for a child.
        const closing = yield* Effect.forkDaemon(Scope.close(process.scope, Exit.void))
        yield* untilOver(
          `closing ${process.name}`,
          Effect.map(isDone(closing), (isDone) => isDone || process.isDead)
        )
        fleet[index] = yield* bear
      })

    for (const workspace of workspaces) yield* install(workspace)

    for (const step of steps) {
      yield* replaceTheDead
      switch (step.do) {
        case "read": {
          readers.push(yield* Effect.fork(read(fleet[step.process]!, step.credential)))
          break
        }
        case "refresh": {
          const { key } = keyOf(step.credential)
          readers.push(yield* Effect.fork(Effect.ignore(fleet[step.process]!.manager.refresh(key))))
          break
        }
        case "refuse": {
          const { key, workspace } = keyOf(step.credential)
          const token = placeOf(workspace).tokens.get(step.credential)
          if (token !== undefined) yield* fleet[step.process]!.manager.invalidate(key, token)
          break
        }
        case "interrupt": {
          const reader = readers[step.which % Math.max(1, readers.length)]
          if (reader !== undefined) yield* Fiber.interruptFork(reader)
          break
        }
        case "wait": {
          yield* TestClock.adjust(`${step.seconds} seconds`)
          break
        }
        case "slack fails": {
          yield* SlackEmulator.inject({
            method: "oauth.v2.access",
            fault: slackFaults[step.fault],
            times: step.times
          })
          break
        }
        case "store fails": {
          fleet[step.process]!.failures.set(step.at, step.times)
          break
        }
        case "die":
        case "freeze": {
          fleet[step.process]!.doom.set(step.at, step.do)
          break
        }
        case "thaw": {
          fleet[step.process]!.thaw()
          break
        }
        case "close": {
          yield* close(step.process)
          break
        }
        case "uninstall": {
          const place = placeOf(step.workspace)
          if (!place.isAlive) break
          yield* SlackEmulator.uninstall({ workspace: step.workspace })
          events.push({ workspace: step.workspace, at: yield* Clock.currentTimeMillis })
          place.isAlive = false
          place.version++
          break
        }
        case "install": {
          yield* install(step.workspace)
          break
        }
        case "deliver": {
          yield* deliver(step.which % Math.max(1, events.length))
          break
        }
      }
      for (let turn = 0; turn < 5; turn++) yield* Effect.yieldNow()
      assert.deepStrictEqual(violations, [])
    }

    // ---- at the end

    yield* SlackEmulator.clearFaults
    for (const process of fleet) {
      process.doom.clear()
      process.failures.clear()
      process.thaw()
    }
    while (events.length > 0) yield* deliver(0)
    yield* TestClock.adjust("4 minutes")
    for (const { isDead, manager } of fleet) {
      if (!isDead) assert.strictEqual((yield* manager.health).unsaved, 0)
    }
    assert.deepStrictEqual(violations, [])

    // If a process sleeps past its lease with a pair, and two other answers are lost meanwhile, Slack has ended that pair.
    // The docs say so.
    const isBeyondHelp = Array.from(sendings.values()).some(({ earlier, sleptOver }) => sleptOver && earlier >= 2)

    const fresh = yield* bear
    for (const name of credentials) {
      const { key, workspace } = keyOf(name)
      const place = placeOf(workspace)
      const reading = yield* Effect.fork(Effect.exit(fresh.manager.token(key)))
      const result = yield* awaitEnd(`reading ${name}`, reading)
      if (!place.isStored) {
        assert.isTrue(Exit.isFailure(result), `${name} is not installed`)
      } else if (place.isAlive && !isBeyondHelp) {
        assert.isTrue(Exit.isSuccess(result), `${name}: ${result}`)
        const refreshing = yield* Effect.fork(fresh.manager.refresh(key))
        assert.strictEqual(
          yield* awaitEnd(`refreshing ${name}`, refreshing),
          "Renewed",
          `the chain of ${name} can be refreshed`
        )
        const token = yield* fresh.manager.token(key)
        assert.strictEqual((yield* authTest(token)).ok, true, `Slack takes the token of ${name}`)
        const stored = yield* Effect.flatten(store.credential(key))
        assert.strictEqual(Redacted.value(stored.token.accessToken), Redacted.value(token))
      }
    }
    assert.deepStrictEqual(violations, [])
    yield* Fiber.interruptAll(readers)
  }).pipe(
    Effect.tapErrorCause(() => Effect.flatMap(SlackEmulator.timeline, Effect.logError)),
    Effect.provide(
      OAuthV2.layer.pipe(
        Layer.provideMerge(Layer.merge(SlackEmulator.layerHttpClient, SlackEmulator.layerSlackApp())),
        Layer.provideMerge(
          SlackEmulator.layer({
            workspaces: workspaces.map((id) => ({ id })),
            people: [{ id: person }],
            refreshGracePeriod: "1000 days"
          })
        ),
        Layer.provideMerge(InstallationStore.layerMemory)
      )
    )
  )

describe("a fleet of processes", () => {
  Properties.effect(
    "keeps its promises through any life",
    FastCheck.array(step, { minLength: 10, maxLength: 40, size: "max" }),
    live,
    { fastCheck: { numRuns: Number(globalThis.process.env.PROPERTY_RUNS ?? 25), timeout: 60_000 }, timeout: 900_000 }
  )
})
