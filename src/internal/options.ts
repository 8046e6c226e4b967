/**
 * Checks of options. The error names the option that is wrong.
 */
import type * as ConfigError from "effect/ConfigError"
import * as Duration from "effect/Duration"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { invalid } from "./effect/config.js"

type Checked<A> = Either.Either<A, ConfigError.ConfigError>

export const refuse = (name: string, problem: string): Checked<never> => Either.left(invalid(name, problem))

/** `Duration` turns negative numbers and `NaN` into zero, so they have to be found before. */
const isBelowZero = (input: unknown): boolean =>
  typeof input === "number" || typeof input === "bigint"
    ? !(input >= 0)
    : Array.isArray(input)
    ? input.some(isBelowZero)
    : typeof input === "string" && input.trim().startsWith("-")

/** A duration that is finite and above zero; `allowed` may also accept zero or infinity. */
export const checkDuration = (
  name: string,
  input: Duration.DurationInput,
  allowed: { readonly zero?: boolean; readonly infinite?: boolean } = {}
): Checked<Duration.Duration> => {
  const duration = Duration.decodeUnknown(input)
  if (Option.isNone(duration)) return refuse(name, `${name} has to be a duration, such as "30 seconds"`)
  const millis = Duration.toMillis(duration.value)
  const isFit = !isBelowZero(input) &&
    (millis > 0 || allowed.zero === true) &&
    (Number.isFinite(millis) || allowed.infinite === true)
  return isFit
    ? Either.right(duration.value)
    : refuse(
      name,
      `${name} has to be ${allowed.zero === true ? "zero or more" : "more than zero"}${
        allowed.infinite === true ? "" : ", and finite"
      }`
    )
}

/** A whole number, 1 or more. */
export const checkCount = (name: string, input: number): Checked<number> =>
  Number.isSafeInteger(input) && input > 0
    ? Either.right(input)
    : refuse(name, `${name} has to be a whole number, 1 or more`)

/** A number that is finite and above zero. */
export const checkRate = (name: string, input: number): Checked<number> =>
  Number.isFinite(input) && input > 0 ? Either.right(input) : refuse(name, `${name} has to be a number above zero`)

/** A number from 0 to 1. */
export const checkShare = (name: string, input: number): Checked<number> =>
  input >= 0 && input <= 1 ? Either.right(input) : refuse(name, `${name} has to be a number from 0 to 1`)
