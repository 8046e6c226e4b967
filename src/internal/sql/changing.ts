/** Compare-and-set of one credential: one statement, which changes the row only at the expected generation. */
import type { Fragment } from "@effect/sql/Statement"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Installation from "../../Installation.js"
import { type InstallationStoreError, type Service, Swap } from "../../InstallationStore.js"
import { installationRowId } from "../rowId.js"
import { run } from "./failure.js"
import { readCredential } from "./reading.js"
import { credentialOf, type CredentialRow, itself, millisOf, type RowKey } from "./rows.js"
import { rowIdOf, type Table } from "./table.js"
import * as Tokens from "./tokens.js"

const operation = "compareAndSet"

const swap = (
  { at, credentialColumns, sql }: Table,
  key: RowKey,
  generation: number,
  set: Fragment
): Effect.Effect<CredentialRow | undefined, InstallationStoreError> =>
  Effect.map(
    run(
      operation,
      sql<CredentialRow>`UPDATE slack_oauth_installations SET generation = generation + 1, ${set}
        WHERE ${at(key.installation, key.subject)} AND generation = ${generation} AND removed_at IS NULL
        RETURNING ${credentialColumns}`,
      rowIdOf(key)
    ),
    ([row]) => row
  )

const superseded = (table: Table, key: RowKey): Effect.Effect<Swap, InstallationStoreError> =>
  Effect.map(readCredential(table, operation, key), (current) => Swap.Superseded({ current }))

type ChangeOf<Tag extends Installation.Change["_tag"]> = Extract<Installation.Change, { readonly _tag: Tag }>

const renew = (table: Table, key: RowKey, generation: number, { issuedAt, token }: ChangeOf<"Renewed">) => {
  const { cipher, sql } = table
  const tokens = Tokens.tokensOf(token)
  const scopes = token.scopes.join(",")
  return Effect.flatMap(cipher.seal(Tokens.encode(tokens), rowIdOf(key)), (secret) => {
    const set = sql`secret = ${secret},
      issued_at = ${millisOf(issuedAt)},
      expires_at = ${Option.isNone(token.expiry) ? null : millisOf(token.expiry.value.expiresAt)},
      scopes = ${scopes === "" ? sql.literal("scopes") : sql`${scopes}`},
      dead_code = NULL,
      dead_since = NULL`
    return Effect.flatMap(swap(table, key, generation, set), (row) =>
      row === undefined
        ? superseded(table, key)
        // The tokens are known, so the row is not decrypted again.
        : Effect.succeed(Swap.Swapped({ credential: credentialOf(row, tokens) })))
  })
}

/** Reads the credential first: a process with the wrong keys must not change what it cannot decrypt. */
const markDead = (table: Table, key: RowKey, generation: number, change: ChangeOf<"Dead">) =>
  Effect.flatMap(readCredential(table, operation, key), (current) => {
    if (Option.isNone(current) || current.value.generation !== generation) {
      return Effect.succeed(Swap.Superseded({ current }))
    }
    const set = table.sql`dead_code = ${change.code}, dead_since = ${millisOf(change.since)}`
    return Effect.flatMap(swap(table, key, generation, set), (row) =>
      row === undefined
        ? superseded(table, key)
        : Effect.succeed(Swap.Swapped({ credential: Installation.change(current.value, change) })))
  })

export const changing = (table: Table): Pick<Service, "compareAndSet"> => ({
  compareAndSet: ({ installation, subject }, generation, change) => {
    if (subject === itself) return Effect.succeed(Swap.Superseded({ current: Option.none() }))
    const key = { installation: installationRowId(installation), subject }
    return change._tag === "Dead"
      ? markDead(table, key, generation, change)
      : renew(table, key, generation, change)
  }
})
