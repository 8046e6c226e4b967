import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import { acquire, postgresUrl } from "../utils/resources.js"
import * as Stores from "../utils/stores.js"

const url = await acquire(postgresUrl)
const processes = await acquire(Stores.processes(url))

InstallationStoreSuite.register({
  name: "Postgres",
  layer: Stores.sql(url),
  contents: Stores.rowsIn(url),
  processes
})
