/** The suite of stores on Postgres, with long rounds. `store.ts` runs it. */
import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import { acquire, postgresUrl } from "../utils/resources.js"
import * as Stores from "../utils/stores.js"

const url = await acquire(postgresUrl)

InstallationStoreSuite.register({
  name: "Postgres",
  layer: Stores.sql(url),
  contents: Stores.rowsIn(url),
  processes: { ...await acquire(Stores.processes(url)), ...Stores.longRounds },
  timeout: "5 minutes"
})
