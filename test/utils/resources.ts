/** Resources of a whole test file, such as a database: they are acquired before its tests are declared. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { afterAll, describe, inject } from "vitest"
import { schemaUrl, sqliteUrls } from "./databases.js"

/** Acquires something for the whole file, and releases it after the last test. */
export const acquire = async <A, E>(resource: Effect.Effect<A, E, Scope.Scope>): Promise<A> => {
  const scope = Effect.runSync(Scope.make())
  afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))
  return Effect.runPromise(Scope.extend(resource, scope))
}

/** The one Postgres of this run. */
export const postgres = Effect.promise(async () => {
  const response = await fetch(inject("postgresAt"))
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  return text
})

/** The URL of a new, empty schema in it. */
export const postgresUrl = Effect.flatMap(postgres, schemaUrl)

/** The URL of a new, empty database of each kind that is installed. */
export const databaseUrls = { ...sqliteUrls, Postgres: postgresUrl }

/** `describe` for tests that need something. If it is missing, they are skipped, and the reason is printed. */
export const describeUnless = (missing: string | undefined, name: string, tests: () => void): void => {
  if (missing !== undefined) console.log(`Skipped, ${name}: ${missing}`)
  describe.skipIf(missing !== undefined)(name, () => {
    tests()
  })
}
