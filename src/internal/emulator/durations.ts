/** Durations in JSON: milliseconds, or a text such as "90 seconds". */
import type * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { checkDuration } from "../options.js"

/** A duration that is finite and not negative. */
export const parse = (input: number | string): Option.Option<Duration.Duration> => {
  const checked = checkDuration("duration", input as Duration.DurationInput, { zero: true })
  return Either.isLeft(checked) ? Option.none() : Option.some(checked.right)
}
