import * as InstallationStoreSuite from "effect-slack-oauth/testing/InstallationStoreSuite"
import * as Path from "node:path"
import { sqliteNodeUrl } from "../utils/databases.js"
import { acquire, describeUnless } from "../utils/resources.js"
import * as SqliteNode from "../utils/sqliteNode.js"
import * as Stores from "../utils/stores.js"

const url = await acquire(sqliteNodeUrl)
const processes = await acquire(Stores.processes(url))

describeUnless(SqliteNode.missing, "on @effect/sql-sqlite-node", () =>
  InstallationStoreSuite.register({
    name: "sqlite-node",
    layer: Stores.sql(url),
    contents: Stores.bytesIn(Path.dirname(url.slice("sqlite-node:".length))),
    processes
  }))
