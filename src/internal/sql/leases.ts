/** Leases on credentials. They go by the database's clock. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { LeaseResult, type Service } from "../../InstallationStore.js"
import { installationRowId } from "../rowId.js"
import { run } from "./failure.js"
import { currentLease, itself, type LeaseRow, millisOf, previousLease } from "./rows.js"
import { rowIdOf, type Table } from "./table.js"

/** Clears the current lease. */
export const noLease = "lease_holder = NULL, lease_intent = NULL, lease_since = NULL, lease_until = NULL"

export const leases = ({ at, now, sql }: Table): Pick<Service, "acquireLease" | "releaseLease"> => {
  const columns = sql`${now} AS now, lease_holder, lease_intent, lease_since, lease_until,
    previous_holder, previous_intent, previous_since, previous_until`

  const acquireLease: Service["acquireLease"] = (key, request) =>
    Effect.gen(function*() {
      if (key.subject === itself) return LeaseResult.Missing()
      const installation = installationRowId(key.installation)
      const id = rowIdOf({ installation, subject: key.subject })
      const attempt = <A>(statement: Parameters<typeof run<A>>[1]) => run("acquireLease", statement, id)

      const duration = Math.ceil(Duration.toMillis(request.duration))
      const [taken] = yield* attempt(
        sql<LeaseRow>`UPDATE slack_oauth_installations SET
            previous_holder = lease_holder,
            previous_intent = lease_intent,
            previous_since = lease_since,
            previous_until = lease_until,
            lease_holder = ${request.holder},
            lease_intent = ${request.intent},
            lease_since = ${now},
            lease_until = ${now} + ${duration}
          WHERE ${at(installation, key.subject)} AND removed_at IS NULL
            AND (lease_until IS NULL OR lease_until <= ${now} OR lease_holder = ${request.holder})
          RETURNING ${columns}`
      )
      const acquired = taken === undefined ? Option.none() : currentLease(taken)
      if (taken !== undefined && Option.isSome(acquired)) {
        return LeaseResult.Acquired({ lease: acquired.value, previous: previousLease(taken) })
      }

      const [held] = yield* attempt(
        sql<LeaseRow>`SELECT ${columns} FROM slack_oauth_installations
          WHERE ${at(installation, key.subject)} AND removed_at IS NULL`
      )
      if (held === undefined) return LeaseResult.Missing()
      const lease = currentLease(held)
      const remaining = Option.isNone(lease) ? 0 : millisOf(lease.value.until) - Number(held.now)
      // The lease became free between the two statements.
      return Option.isNone(lease) || remaining <= 0
        ? yield* acquireLease(key, request)
        : LeaseResult.Held({ lease: lease.value, remaining: Duration.millis(remaining) })
    })

  return {
    acquireLease,
    releaseLease: (key, holder) => {
      const installation = installationRowId(key.installation)
      return Effect.map(
        run(
          "releaseLease",
          sql`UPDATE slack_oauth_installations SET ${sql.literal(noLease)}
            WHERE ${at(installation, key.subject)} AND lease_holder = ${holder} RETURNING subject`,
          rowIdOf({ installation, subject: key.subject })
        ),
        (rows) => rows.length > 0
      )
    }
  }
}
