/** The database: what was seen there, and what it means. */
import { error, type Finding, ok, skipped, warning } from "./finding.js"

/** The names of the migrations of this package that have run; `undefined` if their table is not there. */
export const migrations = (
  ran: ReadonlyArray<string> | undefined,
  known: ReadonlyArray<string>
): Finding => {
  const id = "database-migrated"
  if (ran === undefined) {
    return warning(
      id,
      "The database has no tables of this package.",
      "The app creates them when it starts (SqlInstallationStore.layer, Migrations.layer). Check that this is its database."
    )
  }
  const missing = known.filter((name) => !ran.includes(name))
  const unknown = ran.filter((name) => !known.includes(name))
  return unknown.length > 0
    ? error(
      id,
      `A newer version of this package has changed the tables (${unknown.join(", ")}).`,
      "Install that version here too."
    )
    : missing.length > 0
    ? warning(
      id,
      `These migrations have not run: ${missing.join(", ")}.`,
      "They run when an app with this version starts."
    )
    : ok(id, "The tables of this package are there, and up to date.")
}

/** The median of some round trips, in milliseconds. */
export const latency = (times: ReadonlyArray<number>): Finding => {
  const id = "database-latency"
  const sorted = [...times].sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]
  if (median === undefined) return skipped(id, "The time of a query was not measured.", "Fix the database first.")
  const words = `A query takes ${median < 1 ? "less than 1" : Math.round(median)} ms.`
  return median > 500
    ? error(
      id,
      `${words} An event needs several queries, and Slack waits 3 seconds for an answer.`,
      "Put the app and its database into one region."
    )
    : median > 50
    ? warning(
      id,
      `${words} Reading a token that is not in the cache needs several queries.`,
      "Put the app and its database into one region."
    )
    : ok(id, words)
}

/** Why credentials could not be decrypted, by the reason of `InstallationStoreError`, with how many there are. */
export const decryption = (
  looked: number,
  failures: Readonly<Record<string, number>>
): Finding => {
  const id = "stored-tokens"
  const all = Object.values(failures).reduce((sum, count) => sum + count, 0)
  if (looked === 0) return ok(id, "No token is stored yet.")
  if (all === 0) return ok(id, `The keys decrypt the ${looked} stored tokens that were tried.`)
  const words = `${all} of ${looked} stored tokens cannot be read`
  if (failures["keyMissing"] !== undefined) {
    return error(id, `${words}: their key is not in SLACK_TOKEN_KEYS.`, "Add the older key after the current one.")
  }
  if (failures["notAuthentic"] !== undefined) {
    return error(
      id,
      `${words}: a key of SLACK_TOKEN_KEYS has the id of another one.`,
      "Restore the key that encrypted them."
    )
  }
  if (failures["notSealed"] !== undefined) {
    return error(
      id,
      `${words}: they are stored as plain text.`,
      "Put `plain` at the end of SLACK_TOKEN_KEYS, run `effect-slack-oauth reencrypt`, and remove it."
    )
  }
  return error(id, `${words}.`, "Restore the database, or remove these rows and install again.")
}

/** The contract of a store, on an app that does not exist, in a transaction that is rolled back. */
export const contract = (broken: string | undefined): Finding => {
  const id = "database-contract"
  return broken === undefined
    ? ok(id, "An install, a refresh, a lease and a removal work, and were rolled back.")
    : error(
      id,
      `The database does not do what the store needs: ${broken}.`,
      "Check the rights of its user, and its version."
    )
}
