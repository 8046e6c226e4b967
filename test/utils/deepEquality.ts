/**
 * Teaches chai what is equal. By itself, `assert.deepStrictEqual` takes every `Option.some` for `Option.none()`, and
 * every `Redacted` for every other: it compares what an object shows, and these show the same. `vitest.config.ts` loads
 * this before each test file.
 */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { chai } from "vitest"

type Comparator = (left: unknown, right: unknown) => boolean | null

/** Compares options and redacted values by what they hold; `null` leaves the comparison to chai. */
const comparator: Comparator = (left, right) => {
  if (Option.isOption(left) && Option.isOption(right)) {
    return Option.isSome(left) && Option.isSome(right)
      ? isEqual(left.value, right.value)
      : left._tag === right._tag
  }
  return Redacted.isRedacted(left) && Redacted.isRedacted(right)
    ? isEqual(Redacted.value(left), Redacted.value(right))
    : null
}

const isEqual = (left: unknown, right: unknown): boolean => chai.util.eql(left, right, { comparator })

chai.config.deepEqual = isEqual
