/**
 * A fiber that fails logs its cause, which may contain a secret. So shared work and calls with a deadline run in fibers
 * whose result is the exit as a value, and such a fiber ends in two exits, one inside the other.
 */
import * as Exit from "effect/Exit"

/** The exit of the effect that ran in such a fiber. */
export const flatten = <A, E>(exit: Exit.Exit<Exit.Exit<A, E>>): Exit.Exit<A, E> =>
  Exit.isSuccess(exit) ? exit.value : Exit.failCause(exit.cause)
