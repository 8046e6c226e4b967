/**
 * One refresh of a credential at a time in a process, which concurrent callers join. It runs in the context of the
 * manager's layer, so an interrupted caller does not stop it.
 */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type * as Installation from "../Installation.js"
import type { Force } from "../TokenManager.js"
import type { Entry, Obstacle } from "./credentialCache.js"
import type { Refusal, Served } from "./credentialState.js"
import type { LayerContext } from "./layerContext.js"

/** How a refresh ends. */
type Result = Exit.Exit<Served, Refusal<Obstacle>>

/** A refresh under way. */
export interface Running {
  /** The `uptime` of its begin. */
  readonly startedAt: number
  readonly isForced: boolean
  /** Waits for the end. */
  readonly result: Effect.Effect<Served, Refusal<Obstacle>>
}

/** Like `Deferred`, without copying the list of waiting fibers each time one joins. */
const makeResult = () => {
  const waiting = new Set<(result: Result) => void>()
  let completed: Result | undefined
  return {
    result: Effect.async<Served, Refusal<Obstacle>>((resume) => {
      if (completed !== undefined) return resume(completed)
      waiting.add(resume)
      return Effect.sync(() => waiting.delete(resume))
    }),
    complete: (result: Result): void => {
      completed = result
      for (const resume of waiting) resume(result)
      waiting.clear()
    }
  }
}

/** Refreshes a credential, or joins the refresh under way. */
export interface SharedRefresh {
  readonly join: (
    key: Installation.CredentialKey,
    entry: Entry,
    uptime: number,
    force?: Force
  ) => Effect.Effect<Served, Refusal<Obstacle>>
  /** From here on, nothing is begun, and callers are interrupted. */
  readonly stop: Effect.Effect<void>
}

/**
 * Makes a manager's refreshes. Where they are not shared, each caller runs its own, in the context of the layer too, and
 * the lease in the store lets one of them refresh.
 */
export const make = ({ context, isShared, refresh, scope }: {
  readonly context: LayerContext<never>
  readonly isShared: boolean
  readonly refresh: (
    key: Installation.CredentialKey,
    entry: Entry,
    force: Force | undefined
  ) => Effect.Effect<Served, Refusal<Obstacle>>
  readonly scope: Scope.Scope
}): SharedRefresh => {
  let isStopped = false

  /** Begins a refresh that concurrent callers join. */
  const begin = (work: Effect.Effect<Served, Refusal<Obstacle>>, entry: Entry, running: Omit<Running, "result">) => {
    const { complete, result } = makeResult()
    entry.running = { ...running, result }
    const shared = Effect.onExit(work, (exit) =>
      Effect.sync(() => {
        entry.running = undefined
        complete(exit)
      }))
    return Effect.as(context.fork(Effect.uninterruptible(shared), scope), result)
  }

  return {
    join: (key, entry, uptime, force) =>
      Effect.uninterruptibleMask((restore) => {
        if (isStopped) return Effect.interrupt
        if (entry.running !== undefined) return restore(entry.running.result)
        const work = Effect.withSpan(refresh(key, entry, force), "TokenManager.update", {
          captureStackTrace: false,
          root: true,
          attributes: { "slack.credential": String(key) }
        })
        return isShared
          ? Effect.flatMap(begin(work, entry, { startedAt: uptime, isForced: force !== undefined }), restore)
          : restore(context.run(Effect.uninterruptible(work)))
      }),
    stop: Effect.sync(() => {
      isStopped = true
    })
  }
}
