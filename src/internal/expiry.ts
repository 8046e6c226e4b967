/**
 * When tokens end, in milliseconds since 1970: infinity if never.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type * as Installation from "../Installation.js"

/** The last time that a `DateTime` can have. */
export const endOfTime = 8.64e15

/** When the token ends that a record is about. */
export const endOf = ({ expiresAt }: { readonly expiresAt: Option.Option<DateTime.Utc> }): number =>
  Option.match(expiresAt, { onNone: () => Number.POSITIVE_INFINITY, onSome: DateTime.toEpochMillis })

/** When a token ends. */
export const endOfToken = ({ expiry }: Pick<Installation.Token, "expiry">): number =>
  Option.match(expiry, {
    onNone: () => Number.POSITIVE_INFINITY,
    onSome: ({ expiresAt }) => DateTime.toEpochMillis(expiresAt)
  })
