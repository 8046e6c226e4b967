/** The suite of stores on libsql, with long rounds. `store.ts` runs it. */
import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import * as Path from "node:path"
import { libsqlUrl } from "../utils/databases.js"
import { acquire } from "../utils/resources.js"
import * as Stores from "../utils/stores.js"

const url = await acquire(libsqlUrl)

InstallationStoreSuite.register({
  name: "libsql",
  layer: Stores.sql(url),
  contents: Stores.bytesIn(Path.dirname(url.slice("file:".length))),
  processes: { ...await acquire(Stores.processes(url)), ...Stores.longRounds },
  timeout: "5 minutes"
})
