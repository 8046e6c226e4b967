/** One process of the fleet: the real `TokenManager`, `TokenSweep` and `OAuthV2` over a store and a network that fail. */
import * as HttpClient from "@effect/platform/HttpClient"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as TokenSweep from "effect-slack-oauth/TokenSweep"
import * as Cause from "effect/Cause"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { identity } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Caller, type Fork, stop, withCaller } from "../../src/internal/effect/fibers.js"
import { type SendError, unanswered } from "../../src/internal/effect/httpErrors.js"
import { withSeed } from "../utils/effect/random.js"
import type { Agenda } from "./agenda.js"
import type * as Dice from "./dice.js"
import type { Judge, Seen, Sending } from "./judge.js"
import type { Machine } from "./machine.js"
import type { Mishaps } from "./mishaps.js"
import { type Credential, nameOf, type Operation, type Plan, type Point } from "./plan.js"
import { appId, type Pair, type Slack, type Subject } from "./slack.js"
import type * as Trace from "./trace.js"

/** What all processes share. */
export interface World {
  readonly agenda: Agenda
  readonly plan: Plan
  readonly slack: Slack
  readonly store: InstallationStore.Service
  /** Runs an operation of the store, by the store's clock. */
  readonly runInStore: <A, E>(effect: Effect.Effect<A, E>) => Exit.Exit<A, E>
  readonly judge: Judge
  readonly mishaps: Mishaps
  /** How long messages take. */
  readonly latencies: Dice.Dice
  /** Whether messages take time, so that those of several processes mix. */
  readonly isBusy: () => boolean
  readonly log: (line: string) => void
  /** Notes a step for the model. What it was is told when its process knows. */
  readonly note: (
    name: string,
    machine: Machine | undefined,
    step: Trace.Step | "none",
    about?: number | Pair,
    more?: Trace.More
  ) => Trace.Event
}

export interface Process {
  readonly slot: number
  readonly machine: Machine
  readonly read: (credential: Credential, interruptedAfter: number | undefined, done: () => void) => void
  readonly refresh: (credential: Credential, done: (result: string) => void) => void
  readonly refuse: (credential: Credential) => void
  /** Somebody installs the app, and loads the page again after so many milliseconds. */
  readonly install: (workspace: string, subjects: ReadonlyArray<Subject>, reloadAfter: number | undefined) => void
  /** Ends in an orderly way. */
  readonly close: (done: () => void) => void
  /** How many callers wait. */
  readonly waiting: () => number
  /** How many tokens are not saved. */
  readonly unsaved: (done: (count: number) => void) => void
}

const keys = new Map<string, Installation.CredentialKey>()

const keyOf = (credential: Credential): Installation.CredentialKey => {
  const known = keys.get(nameOf(credential))
  if (known !== undefined) return known
  const { subject, workspace } = credential
  const installation = Installation.workspace(appId, workspace)
  const key = subject === "bot" ? Installation.botKey(installation) : Installation.userKey(installation, subject)
  keys.set(nameOf(credential), key)
  return key
}

const nameOfKey = ({ installation, subject }: Installation.CredentialKey): string =>
  `${installation._tag === "Workspace" ? installation.teamId : ""} ${subject}`

const seenOf = (credential: Installation.Credential): Seen => ({
  access: Redacted.value(credential.token.accessToken),
  generation: credential.generation,
  isDead: Option.isSome(credential.reauthorization),
  expiresAt: Option.match(credential.token.expiry, {
    onNone: () => Infinity,
    onSome: ({ expiresAt }) => DateTime.toEpochMillis(expiresAt)
  })
})

const unavailable = (operation: string) =>
  new InstallationStore.InstallationStoreError({ operation, reason: "unavailable", code: "ESIMULATED" })

const never: Effect.Effect<never> = Effect.async(() => {})

/** How long a message takes: nothing while nothing can go wrong, but for some. */
const latency = ({ isBusy, latencies }: World): number =>
  isBusy()
    ? latencies.chance(0.03) ? latencies.between(100, 3_000) : latencies.between(0, 40)
    : latencies.chance(0.05)
    ? latencies.between(1, 40)
    : 0

/** What hits the process at a point. After a `freeze`, what it was about to do is done first when it wakes. */
const pass = ({ judge, mishaps }: World, slot: number, machine: Machine, point: Point, name?: string): void => {
  const mishap = mishaps.ofProcess(slot, point)
  if (mishap === undefined || machine.isFrozen() || machine.isDead()) return
  if (mishap.do === "kill") return machine.kill()
  judge.onFreeze(machine, point === "before call" || point === "before compareAndSet" ? undefined : name)
  machine.freeze(mishap.kind, mishap.millis)
  if (mishap.setBy !== undefined) machine.setClock(mishap.setBy)
}

// -------------------------------------------------------------------------------------
// the store
// -------------------------------------------------------------------------------------

interface Happened {
  readonly text: string
  readonly step: Trace.Step | "none"
  readonly about?: number
  readonly untold: Trace.Step | "none"
}

const makeStore = (world: World, slot: number, machine: Machine): InstallationStore.Service => {
  const { agenda, judge, log, mishaps, runInStore, store } = world

  const call = <A>(
    operation: Operation,
    name: string,
    effect: Effect.Effect<A, InstallationStore.InstallationStoreError>,
    /** What has happened in the store: for the log, and for the model if it is told, and if it is not. */
    happened: (result: A) => Happened,
    fails: Trace.Step | "none",
    { heard, holder, pair }: {
      readonly holder?: string
      readonly pair?: Pair | undefined
      /** The process has the result. So many of its freezes were over when the store made it. */
      readonly heard?: (result: A, freezes: number) => void
    } = {}
  ): Effect.Effect<A, InstallationStore.InstallationStoreError> => {
    type Result = Exit.Exit<A, InstallationStore.InstallationStoreError>
    const who = () => `${machine.name} ${operation} of ${name}`
    return Effect.suspend(() => {
      let result: Result | undefined
      let untold: Trace.Step | "none" = "none"
      let event: Trace.Event | undefined
      let hasGivenUp = false
      let freezes = 0
      const note = (step: Trace.Step | "none", about?: number, isGivenUp = false) => {
        event = world.note(name, machine, step, about ?? pair, { holder, isGivenUp })
      }
      const act = (): Result => {
        const result = runInStore(effect)
        freezes = machine.endedFreezes()
        if (Exit.isFailure(result)) return result
        const { about, step, text, ...rest } = happened(result.value)
        log(`${who()}: ${text}`)
        untold = rest.untold
        if (!hasGivenUp && !machine.isDead()) note(step, about)
        // It was a failure, or its process has died, and it happens after all.
        else if (untold !== fails) world.note(name, machine, "none", undefined, { isOutside: true })
        return result
      }
      const giveUp = (isInterrupted: boolean) => {
        if (hasGivenUp) return
        if (event === undefined) note(fails, undefined, isInterrupted)
        else {
          event.step = untold
          event.isGivenUp = isInterrupted
        }
        hasGivenUp = true
      }
      let resume: (result: Result) => void = () => {}
      const tell = (told: Result) => {
        if (Exit.isSuccess(told)) heard?.(told.value, freezes)
        result = told
        resume(told)
      }
      let isAtOnce = true
      const reply = (told: Result, after: number) => {
        const deliver = () => {
          pass(world, slot, machine, `after ${operation}`, name)
          machine.run(() => tell(told))
        }
        if (after > 0 || !isAtOnce || machine.isFrozen()) {
          return agenda.at(agenda.now() + after, () => machine.run(deliver))
        }
        // The call is answered at once.
        pass(world, slot, machine, `after ${operation}`, name)
        if (machine.isFrozen()) machine.run(() => tell(told))
        else if (!machine.isDead()) tell(told)
      }
      const failed = (): Result => {
        judge.onStoreFailure(machine, name)
        giveUp(false)
        return Exit.fail(unavailable(operation))
      }
      const leave = () => {
        if (machine.isDead()) return
        if (operation === "compareAndSet") judge.onWrite(machine, name)
        const fault = mishaps.ofStore(slot, operation)
        const there = latency(world)
        if (fault !== undefined) log(`${who()}: the store is to ${fault.how}`)
        const arrive = () => {
          switch (fault?.how) {
            case "fail":
              return reply(failed(), latency(world))
            case "fail after":
              act()
              return reply(failed(), latency(world))
            case "hang":
              return void failed()
            case "hang after":
              act()
              return judge.onStoreFailure(machine, name)
            default:
              return reply(act(), latency(world))
          }
        }
        if (fault?.how === "slow") judge.onStoreFailure(machine, name)
        const late = fault?.how === "slow" ? fault.millis : 0
        if (there + late > 0) agenda.at(agenda.now() + there + late, arrive)
        else arrive()
      }
      pass(world, slot, machine, `before ${operation}`, name)
      if (machine.isFrozen()) machine.first(leave)
      else leave()
      isAtOnce = false
      return result ?? Effect.async<A, InstallationStore.InstallationStoreError>((resumed) => {
        resume = resumed
        if (result !== undefined) resumed(result)
        return Effect.sync(() => giveUp(true))
      })
    })
  }

  /** The calls of a sweep read the whole store. They fail while the store is down. */
  const whileUp = <A>(
    operation: string,
    read: () => Effect.Effect<A, InstallationStore.InstallationStoreError>
  ): Effect.Effect<A, InstallationStore.InstallationStoreError> => {
    const fault = mishaps.ofStore(slot, "credential")
    return fault === undefined || fault.how === "slow"
      ? read()
      : fault.how === "fail"
      ? Effect.fail(unavailable(operation))
      : never
  }

  // Each process has a store of its own: it hears of what it writes itself, and not of what others write.
  return InstallationStore.make({
    ...store,
    credential: (key) => {
      const name = nameOfKey(key)
      return call(
        "credential",
        name,
        store.credential(key),
        (found) => {
          const seen = Option.getOrUndefined(Option.map(found, seenOf))
          judge.onRead(machine, name, seen)
          return seen === undefined ? { text: "absent", step: "readAbsent", untold: "readFails" } : {
            text: `generation ${seen.generation}${seen.isDead ? ", dead" : ""}`,
            step: seen.isDead ? "readDead" : "readAlive",
            about: seen.generation,
            untold: "readFails"
          }
        },
        "readFails",
        {
          heard: (found, freezes) =>
            judge.onHeard(machine, name, Option.getOrUndefined(Option.map(found, seenOf)), freezes)
        }
      )
    },
    acquireLease: (key, request) => {
      const name = nameOfKey(key)
      return call(
        "acquireLease",
        name,
        store.acquireLease(key, request),
        (result) => {
          if (result._tag === "Acquired") {
            judge.onLease(machine, name, request.holder, DateTime.toEpochMillis(result.lease.until))
          }
          const text = `${result._tag}, ${request.intent}`
          switch (result._tag) {
            case "Acquired":
              return { text, step: "leaseTaken", untold: "leaseUntold" }
            case "Held":
              return { text, step: "leaseHeld", untold: "leaseFails" }
            case "Missing":
              return { text, step: "leaseMissing", untold: "leaseFails" }
          }
        },
        "leaseFails",
        { holder: request.holder }
      )
    },
    releaseLease: (key, holder) => {
      const name = nameOfKey(key)
      return call(
        "releaseLease",
        name,
        store.releaseLease(key, holder),
        (isReleased) => {
          if (isReleased) judge.onRelease(name)
          return isReleased
            ? { text: "released", step: "released", untold: "releaseUntold" }
            : { text: "not held", step: "notHeld", untold: "releaseFails" }
        },
        "releaseFails",
        { holder }
      )
    },
    compareAndSet: (key, generation, change) => {
      const name = nameOfKey(key)
      const pair = change._tag === "Renewed"
        ? world.slack.byAccess(Redacted.value(change.token.accessToken))
        : undefined
      return call(
        "compareAndSet",
        name,
        store.compareAndSet(key, generation, change),
        (swap) => {
          if (swap._tag === "Swapped") judge.onSwapped(machine, name, seenOf(swap.credential))
          else if (change._tag === "Renewed") {
            judge.onSuperseded(machine, name, Redacted.value(change.token.accessToken))
          }
          const text = `${change._tag} from generation ${generation}: ${swap._tag}`
          const isSwapped = swap._tag === "Swapped"
          return change._tag === "Renewed"
            ? { text, step: isSwapped ? "saved" : "notSaved", untold: isSwapped ? "saveUntold" : "saveFails" }
            : { text, step: isSwapped ? "marked" : "notMarked", untold: isSwapped ? "markUntold" : "markFails" }
        },
        change._tag === "Renewed" ? "saveFails" : "markFails",
        {
          pair,
          heard: (swap, freezes) => {
            const found = swap._tag === "Swapped" ? Option.some(swap.credential) : swap.current
            judge.onHeard(machine, name, Option.getOrUndefined(Option.map(found, seenOf)), freezes)
          }
        }
      )
    },
    save: (installation, options) => {
      const { target } = installation
      const workspace = target._tag === "Workspace" ? target.team.id : ""
      return call("save", `${workspace} bot`, store.save(installation, options), (saved) => {
        for (const credential of saved.credentials) {
          const saved = `${workspace} ${Installation.subjectOf(credential)}`
          // The same install again changes nothing.
          if (judge.caseOf(saved).stored?.generation === credential.generation) continue
          judge.onSaved(seenOf(credential), saved)
          world.note(saved, undefined, "installed", judge.caseOf(saved).stored!.pair)
        }
        return { text: "stored", step: "none", untold: "none" }
      }, "none")
    },
    counts: (options) => Effect.suspend(() => whileUp("counts", () => store.counts(options))),
    credentials: (selection) =>
      Stream.fromIterableEffect(
        Effect.suspend(() => whileUp("credentials", () => Stream.runCollect(store.credentials(selection))))
      )
  })
}

// -------------------------------------------------------------------------------------
// the network to Slack
// -------------------------------------------------------------------------------------

const failureOf = (
  request: HttpClientRequest.HttpClientRequest,
  code: "ECONNREFUSED" | "ECONNRESET"
): Effect.Effect<never, SendError> =>
  Effect.fail(
    unanswered(
      request,
      Object.assign(new Error(code), { code, syscall: code === "ECONNREFUSED" ? "connect" : "read" })
    )
  )

const withText = (
  request: HttpClientRequest.HttpClientRequest,
  status: number,
  headers: Record<string, string>,
  text: HttpClientResponse.HttpClientResponse["text"]
): Effect.Effect<HttpClientResponse.HttpClientResponse> =>
  Effect.succeed(
    Object.defineProperty(
      HttpClientResponse.fromWeb(
        request,
        new Response(null, { status, headers: { "content-type": "application/json", ...headers } })
      ),
      "text",
      { value: text }
    )
  )

const refusal = (code: string) => JSON.stringify({ ok: false, error: code })

const makeClient = (world: World, slot: number, machine: Machine): HttpClient.HttpClient => {
  const { agenda, judge, log, mishaps, slack } = world
  type Reply = Effect.Effect<HttpClientResponse.HttpClientResponse, SendError>

  return HttpClient.make((request) =>
    Effect.async<HttpClientResponse.HttpClientResponse, SendError>((resume) => {
      const form = new URLSearchParams(
        request.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""
      )
      const token = form.get("refresh_token")
      const sent = token === null ? undefined : slack.byRefresh(token)
      const name = sent && `${sent.chain.workspace} ${sent.chain.subject}`
      const what = sent === undefined ? `the code ${form.get("code")}` : `pair ${sent.number} of ${name}`
      const note = (step: Trace.Step, about?: Pair, isGivenUp = false) => {
        if (name !== undefined) world.note(name, machine, step, about, { isGivenUp })
      }
      let sending: Sending | undefined
      let hasGivenUp = false
      let hasArrived = false
      let given: ReadonlyArray<Pair> = []

      const reply = (effect: Reply, result: Exclude<Sending["result"], "none yet">, after: number) => {
        const deliver = () => {
          hasArrived = true
          machine.run(() => {
            pass(world, slot, machine, "after call", name)
            machine.run(() => {
              if (hasGivenUp) return
              hasGivenUp = true
              log(`${machine.name} is told of ${what}: ${result}`)
              if (sending !== undefined) judge.onResult(sending, result)
              if (result === "rejected") note("reject")
              if (result === "unknown") note("lose")
              for (const pair of given) {
                if (result === "answered") judge.onDelivered(pair)
                else judge.onLost(pair, false)
              }
              resume(effect)
            })
          })
        }
        // A connection that breaks, or an answer, in the same instant: nothing of it comes before the call has begun.
        agenda.at(agenda.now() + after, deliver)
      }

      /** Slack acts on a request. */
      const act = () => {
        const code = form.get("code")
        const answer = code === null ? slack.refresh(token ?? "") : installOf(slack, code)
        given = answer.pairs
        const isLate = hasGivenUp || machine.isDead()
        for (const pair of given) {
          judge.onIssued(machine, pair, hasGivenUp, sending?.isAsleep === true)
          const name = `${pair.chain.workspace} ${pair.chain.subject}`
          if (sent === undefined) world.note(name, undefined, "installGives", pair)
          else world.note(name, machine, "give", pair, { isOutside: isLate })
        }
        if (answer.code !== undefined && !isLate) note("refuse")
        log(`Slack is asked for ${what} by ${machine.name}: ${answer.code ?? `pair ${given[0]!.number}`}`)
        return answer
      }

      const leave = () => {
        if (machine.isDead() || hasGivenUp) return
        const fault = mishaps.ofSlack(slot)
        if (sent !== undefined && fault?.how !== "refused") sending = judge.onSend(machine, sent)
        note("send", sent)
        log(`${machine.name} sends ${what}${fault === undefined ? "" : ` (${fault.how}, ${fault.millis} ms)`}`)
        const answered = (answer: { readonly body: string; readonly code: string | undefined }, late = 0) =>
          reply(
            withText(request, 200, {}, Effect.succeed(answer.body)),
            answer.code === undefined ? "answered" : "refused",
            latency(world) + late
          )
        const refused = (status: number, body: string, result: "rejected" | "unknown", headers = {}) =>
          reply(withText(request, status, headers, Effect.succeed(body)), result, latency(world))
        const broken = () => reply(failureOf(request, "ECONNRESET"), "unknown", latency(world))
        const arrive = () => {
          switch (fault?.how) {
            case "refused":
              return reply(failureOf(request, "ECONNREFUSED"), "rejected", latency(world))
            case "lost request":
              return broken()
            case "lost answer":
              act()
              return broken()
            case "half an answer":
              act()
              return reply(
                withText(request, 200, {}, failureOf(request, "ECONNRESET") as never),
                "unknown",
                latency(world)
              )
            case "late answer":
              return answered(act(), fault.millis)
            case "internal_error after acting":
              act()
              return refused(200, refusal("internal_error"), "unknown")
            case "502 after acting":
              act()
              return refused(502, "<html>", "unknown")
            case "fatal_error":
              return refused(200, refusal("fatal_error"), "unknown")
            case "ratelimited":
              return refused(429, refusal("ratelimited"), "rejected", {
                "retry-after": String(Math.ceil(fault.millis / 4000))
              })
            case "service_unavailable":
              return refused(200, refusal("service_unavailable"), "rejected")
            case "503":
              return refused(503, "<html>", "unknown")
            default:
              return answered(act())
          }
        }
        agenda.at(agenda.now() + latency(world) + (fault?.how === "late request" ? fault.millis : 0), arrive)
      }

      pass(world, slot, machine, "before call", name)
      if (machine.isFrozen()) machine.first(leave)
      else leave()
      return Effect.sync(() => {
        if (hasGivenUp) return
        hasGivenUp = true
        log(`${machine.name} gives up on ${what}`)
        if (sending !== undefined) judge.onResult(sending, "unknown")
        note("lose", undefined, true)
        for (const pair of given) judge.onLost(pair, hasArrived)
      })
    })
  )
}

/** A code says what it installs. */
const codeFor = (workspace: string, subjects: ReadonlyArray<Subject>) => `code-test ${workspace} ${subjects.join(" ")}`

const installOf = (slack: Slack, code: string) => {
  const [, workspace, ...subjects] = code.split(" ")
  return slack.install(workspace!, subjects as ReadonlyArray<Subject>)
}

// -------------------------------------------------------------------------------------
// the process
// -------------------------------------------------------------------------------------

/** The services of a process. `ready` is called with them when they are there. */
const boot = (
  world: World,
  slot: number,
  machine: Machine,
  ready: (parts: {
    readonly fork: Fork<OAuthV2.OAuthV2>
    readonly manager: TokenManager.Service
    readonly store: InstallationStore.Service
    readonly scope: Scope.CloseableScope
  }) => void
): Effect.Effect<void> => {
  const { judge, plan } = world
  const store = makeStore(world, slot, machine)
  const sweepEvery = plan.sweepEvery[slot]
  const OAuthLive = OAuthV2.layer.pipe(
    Layer.provide(SlackApp.layer({ clientId: "1.2", clientSecret: "test-secret" })),
    Layer.provide(Layer.succeed(HttpClient.HttpClient, makeClient(world, slot, machine)))
  )
  const program = Effect.gen(function*() {
    const scope = yield* Scope.make()
    const manager = yield* Effect.provideService(
      TokenManager.make({
        leaseDuration: plan.leaseMillis,
        cacheTime: Duration.minutes(plan.cacheMinutes),
        sharedRefresh: plan.isShared
      }),
      Scope.Scope,
      scope
    )
    if (sweepEvery !== undefined && sweepEvery > 0) {
      const sweeping = Layer.provide(
        TokenSweep.layer({ interval: Duration.minutes(sweepEvery) }),
        Layer.merge(
          Layer.succeed(TokenManager.TokenManager, {
            ...manager,
            refresh: (key, force) =>
              Effect.suspend(() => {
                judge.onForce(machine, nameOfKey(key), force?.generation)
                return manager.refresh(key, force)
              })
          }),
          Layer.succeed(InstallationStore.InstallationStore, store)
        )
      )
      yield* Effect.provideService(Layer.build(sweeping), Scope.Scope, scope)
    }
    yield* withCaller(({ fork }: Caller<OAuthV2.OAuthV2>) =>
      Effect.sync(() => ready({ fork: fork(identity), manager, store, scope }))
    )
  })
  return program.pipe(
    Effect.provideService(InstallationStore.InstallationStore, store),
    Effect.provide(OAuthLive),
    Effect.orDie,
    withSeed(`${plan.seed} ${machine.name}`)
  )
}

/** Starts a process. */
export const make = (world: World, slot: number, machine: Machine): Process => {
  const { agenda, judge, log } = world
  const callers = new Set<Fiber.RuntimeFiber<any, any>>()
  let waiting = 0
  let parts: Parameters<Parameters<typeof boot>[3]>[0] | undefined
  machine.start(boot(world, slot, machine, (ready) => {
    parts = ready
  }))

  /** Runs something with the services of the process, as long as it lives. */
  const on = (use: (ready: NonNullable<typeof parts>) => void): void =>
    machine.run(() => {
      if (parts === undefined) throw new Error(`${machine.name} has not started`)
      use(parts)
    })

  /** Starts a fiber, and does something with its end. */
  const fork = <A, E>(
    effect: Effect.Effect<A, E, OAuthV2.OAuthV2>,
    ended: (exit: Exit.Exit<A, E>) => void
  ): { stop: () => void } => {
    let fiber: Fiber.RuntimeFiber<A, E> | undefined
    waiting++
    on((ready) => {
      const started = ready.fork(effect)
      fiber = started
      callers.add(started)
      started.addObserver((exit) => {
        callers.delete(started)
        waiting--
        ended(exit)
      })
    })
    return {
      stop: () =>
        machine.run(() => {
          if (fiber !== undefined) stop(fiber)
        })
    }
  }

  const tagOf = <A>(exit: Exit.Exit<A, TokenManager.TokenError>): string =>
    Exit.match(exit, {
      onSuccess: () => "",
      onFailure: (cause) =>
        Option.match(Cause.failureOption(cause), {
          onNone: () => Exit.isInterrupted(exit) ? "Interrupted" : "a defect",
          onSome: ({ _tag }) => _tag
        })
    })

  let isClosing = false

  return {
    slot,
    machine,
    read: (credential, interruptedAfter, done) =>
      on(({ manager }) => {
        const name = nameOf(credential)
        const { version } = judge.caseOf(name)
        const reading = fork(manager.token(keyOf(credential)), (exit) => {
          done()
          if (machine.isCatchingUp()) return
          if (Exit.isSuccess(exit)) return judge.onServed(machine, name, Redacted.value(exit.value))
          const tag = tagOf(exit)
          if (tag === "Interrupted") return
          log(`${machine.name} has no token of ${name}: ${tag}`)
          judge.onUnserved(machine, name, tag, version)
        })
        if (interruptedAfter !== undefined) agenda.at(agenda.now() + interruptedAfter, reading.stop)
      }),
    refresh: (credential, done) =>
      on(({ manager }) => {
        const name = nameOf(credential)
        judge.onForce(machine, name, undefined)
        log(`${machine.name} is told to refresh ${name}`)
        fork(manager.refresh(keyOf(credential)), (exit) => done(Exit.isSuccess(exit) ? exit.value : tagOf(exit)))
      }),
    refuse: (credential) =>
      on(({ manager }) => {
        const name = nameOf(credential)
        const stored = judge.caseOf(name).stored
        if (stored === undefined) return
        judge.onRefuse(machine, name, stored.pair.access)
        log(`${machine.name} is told that pair ${stored.pair.number} of ${name} was refused`)
        fork(manager.invalidate(keyOf(credential), stored.pair.access), () => {})
      }),
    install: (workspace, subjects, reloadAfter) =>
      on(({ store }) => {
        const installing = Effect.gen(function*() {
          const at = yield* DateTime.now
          const response = yield* OAuthV2.access({ code: codeFor(workspace, subjects) })
          const saving = Effect.retry(
            InstallationStore.bounded(store).save(Installation.fromTokenResponse(response, at)),
            { times: 5 }
          )
          const saved = yield* Effect.exit(saving)
          if (reloadAfter === undefined) return yield* saved
          yield* Effect.sleep(reloadAfter)
          // After a removal, this would bring back tokens that may be spent.
          if (judge.caseOf(`${workspace} ${subjects[0]}`).stored !== undefined) yield* saving
        })
        fork(installing, () => {})
      }),
    close: (done) =>
      on(({ scope }) => {
        if (isClosing) return
        isClosing = true
        log(`${machine.name} closes`)
        // Without shared refreshes a refresh belongs to its caller, so the program has to wait for its callers, as a server does.
        const callersEnd = world.plan.isShared ? Effect.void : Fiber.interruptAll(Array.from(callers))
        fork(Effect.zipRight(callersEnd, Scope.close(scope, Exit.void)), done)
      }),
    waiting: () => waiting,
    unsaved: (done) =>
      on(({ manager }) => {
        fork(manager.health, (exit) => done(Exit.isSuccess(exit) ? exit.value.unsaved : 0))
      })
  }
}
