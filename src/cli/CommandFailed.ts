import * as Data from "effect/Data"

/** A command cannot go on, for a reason that the person can do something about. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly message: string }> {}
