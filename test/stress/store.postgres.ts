/** The suite of stores on Postgres, with long rounds. `store.ts` runs it. */
import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import * as Effect from "effect/Effect"
import { schemaUrl } from "../utils/databases.js"
import { acquire, postgres } from "../utils/resources.js"
import * as Stores from "../utils/stores.js"

const url = await acquire(Effect.flatMap(postgres, schemaUrl))

InstallationStoreSuite.register({
  name: "Postgres",
  layer: Stores.sql(url),
  contents: Stores.rowsIn(url),
  processes: { ...await acquire(Stores.processes(url)), ...Stores.longRounds },
  timeout: "5 minutes"
})
