import * as Exit from "effect/Exit"

/** How a fiber ended that runs an effect to its exit. */
export const flatten = <A, E>(exit: Exit.Exit<Exit.Exit<A, E>>): Exit.Exit<A, E> =>
  Exit.isSuccess(exit) ? exit.value : Exit.failCause(exit.cause)
