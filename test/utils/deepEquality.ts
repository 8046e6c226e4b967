/**
 * Makes `assert.deepStrictEqual` compare the values in an `Option` and a `Redacted`. Chai compares the visible properties
 * of objects, so by itself it finds `Option.some(1)` equal to `Option.none()`. `vitest.config.ts` loads this before each
 * test file.
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
