/**
 * One process of a fleet, on a machine of its own: with a clock that differs and drifts, that can die, and that can
 * freeze and wake.
 *
 * A process that dies is cut off: none of its tasks runs any more, no finalizer either, and what was sent to it is
 * dropped. A process that freezes stops between two tasks. When it wakes, its timers come first, as in an event loop that
 * was stopped: only then does it read what has arrived, a turn of the event loop for each.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Programs from "../utils/effect/programs.js"
import type { Agenda } from "./agenda.js"

/** How a clock differs from true time. */
export interface ClockError {
  /** Milliseconds by which it is ahead. */
  readonly ahead: number
  /** How much too fast it runs, in millionths. */
  readonly drift: number
}

/**
 * - `stop`: the process is stopped and its machine runs on, as with SIGSTOP. Time passes for its timers
 * - `suspend`: the machine sleeps. Its timers and its `uptime` stand still; its clock is right again when it wakes
 */
export type Freeze = "stop" | "suspend"

export interface Machine {
  readonly name: string
  readonly isDead: () => boolean
  readonly isFrozen: () => boolean
  /** How often it was frozen. */
  readonly freezes: () => number
  /** How many of these are over: it hears of what happens while it is frozen only when it wakes. */
  readonly endedFreezes: () => number
  /** The time by its own clock. */
  readonly wall: () => number
  /** Sets its clock ahead, or back. */
  readonly setClock: (by: number) => void
  readonly kill: () => void
  readonly freeze: (kind: Freeze, millis: number) => void
  readonly wake: () => void
  /** Whether it has just woken, and finishes what it was about to do when it froze. */
  readonly isCatchingUp: () => boolean
  /** Runs something on this machine: now, or when it wakes; never if it dies before. */
  readonly run: (act: () => void) => void
  /** Runs something on a frozen machine as the first thing when it wakes. */
  readonly first: (act: () => void) => void
  /** Starts a program with this machine's clock, timers and tasks. */
  readonly start: (program: Effect.Effect<void>) => void
}

interface Timer {
  /** By `uptime`. */
  readonly due: number
  readonly serial: number
  readonly act: () => void
  callOff: () => void
}

export const make = (
  name: string,
  agenda: Agenda,
  { ahead, drift }: ClockError,
  { log, onCaughtUp, onDeath }: {
    readonly log: (line: string) => void
    /** It has woken, and finished what it was about to do. */
    readonly onCaughtUp: (machine: Machine) => void
    readonly onDeath: (machine: Machine) => void
  }
): Machine => {
  const rate = 1 + drift / 1e6
  const bornAt = agenda.now()
  let set = 0
  let state: "running" | Freeze | "dead" = "running"
  let freezes = 0
  let frozenAt = 0
  let asleepFor = 0
  let callOffWaking = () => {}
  let serial = 0
  let isDraining = false
  let isCatchingUp = false
  const tasks: Array<() => void> = []
  const timers = new Set<Timer>()
  let held: Array<() => void> = []

  const wall = () => bornAt + ahead + set + (agenda.now() - bornAt) * rate
  const uptime = () => (agenda.now() - bornAt - asleepFor - (state === "suspend" ? agenda.now() - frozenAt : 0)) * rate
  const isRunning = () => state === "running"

  const drain = (): void => {
    if (isDraining) return
    isDraining = true
    while (isRunning() && tasks.length > 0) tasks.shift()!()
    isDraining = false
  }

  const run = (act: () => void): void => {
    if (state === "dead") return
    if (state !== "running") {
      held.push(act)
      return
    }
    act()
    drain()
  }

  const fire = (timer: Timer): void => {
    if (!timers.delete(timer)) return
    timer.act()
    drain()
  }

  const arm = (timer: Timer): void => {
    timer.callOff = agenda.at(agenda.now() + (timer.due - uptime()) / rate, () => fire(timer))
  }

  const setTimer = (millis: number, act: () => void): () => void => {
    const timer: Timer = { due: uptime() + millis, serial: serial++, act, callOff: () => {} }
    timers.add(timer)
    if (isRunning()) arm(timer)
    return () => {
      timers.delete(timer)
      timer.callOff()
    }
  }

  const wake = (): void => {
    if (state === "dead" || state === "running") return
    callOffWaking()
    // In the millisecond in which a timer ends, nobody can tell that it is late.
    const isTie = Array.from(timers).some(({ due }) => due <= uptime() && uptime() < due + 1)
    if (isTie) {
      // A suspended machine has not counted the time in which it slept: it wakes a millisecond later by its own count.
      if (state === "suspend") {
        asleepFor--
        return wake()
      }
      callOffWaking = agenda.at(agenda.now() + 1, wake)
      return
    }
    if (state === "suspend") asleepFor += agenda.now() - frozenAt
    state = "running"
    log(`${name} wakes`)
    isCatchingUp = true
    drain()
    isCatchingUp = false
    if (isRunning()) onCaughtUp(self)
    const sorted = Array.from(timers).sort((a, b) => a.due - b.due || a.serial - b.serial)
    for (const timer of sorted) {
      if (!timers.has(timer) || !isRunning()) continue
      if (timer.due <= uptime()) fire(timer)
      else arm(timer)
    }
    const arrived = held
    held = []
    for (const [turn, act] of arrived.entries()) agenda.at(agenda.now() + (1 + turn) / 1000, () => run(act))
  }

  const driver: Programs.Driver = {
    millis: () => Math.floor(wall()),
    nanos: () => BigInt(Math.floor(uptime() * 1000)) * 1000n,
    sleep: (duration) =>
      Effect.async<void>((resume) => {
        const millis = Duration.toMillis(duration)
        if (!Number.isFinite(millis)) return
        const callOff = setTimer(millis, () => resume(Effect.void))
        return Effect.sync(callOff)
      }),
    schedule: (task) => {
      if (state !== "dead") tasks.push(task)
    }
  }

  const self: Machine = {
    name,
    isDead: () => state === "dead",
    isFrozen: () => state === "stop" || state === "suspend",
    freezes: () => freezes,
    endedFreezes: () => freezes - (self.isFrozen() ? 1 : 0),
    wall,
    setClock: (by) => {
      log(`the clock of ${name} is set by ${by} ms`)
      set += by
    },
    kill: () => {
      if (state === "dead") return
      log(`${name} dies`)
      state = "dead"
      callOffWaking()
      tasks.length = 0
      held = []
      for (const timer of timers) timer.callOff()
      timers.clear()
      onDeath(self)
    },
    freeze: (kind, millis) => {
      if (state !== "running") return
      log(`${name} freezes for ${millis} ms (${kind})`)
      frozenAt = agenda.now()
      state = kind
      freezes++
      for (const timer of timers) timer.callOff()
      callOffWaking = agenda.at(agenda.now() + millis, wake)
    },
    wake,
    isCatchingUp: () => isCatchingUp,
    run,
    first: (act) => void tasks.unshift(act),
    start: (program) => run(() => Programs.start(program, driver))
  }
  return self
}

/** A machine whose clock is right, for a test without a fleet. */
export const alone = (agenda: Agenda): Machine =>
  make("process 1", agenda, { ahead: 0, drift: 0 }, { log: () => {}, onCaughtUp: () => {}, onDeath: () => {} })
