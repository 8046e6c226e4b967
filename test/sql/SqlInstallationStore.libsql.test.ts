import * as Command from "@effect/platform/Command"
import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import * as Path from "node:path"
import { libsqlUrl } from "../utils/databases.js"
import { acquire } from "../utils/resources.js"
import * as Stores from "../utils/stores.js"

const url = await acquire(libsqlUrl)
const processes = await acquire(Stores.processes(url))

InstallationStoreSuite.register({
  name: "libsql",
  layer: Stores.sql(url),
  contents: Stores.bytesIn(Path.dirname(url.slice("file:".length))),
  // The suite must not count the memory that a process uses for other things.
  processes: { ...processes, command: Command.env(processes.command, { BALLAST: "60" }) }
})
