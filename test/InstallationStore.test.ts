import { InstallationStore } from "effect-slack-oauth"
import * as InstallationStoreSuite from "effect-slack-oauth/InstallationStoreSuite"
import { temporaryFolder } from "./utils/databases.js"
import { acquire } from "./utils/resources.js"
import * as Stores from "./utils/stores.js"

const folder = await acquire(temporaryFolder)

InstallationStoreSuite.register({ name: "memory", layer: InstallationStore.layerMemory })

InstallationStoreSuite.register({
  name: "files",
  layer: Stores.files(folder),
  contents: Stores.bytesIn(folder),
  installations: 120
})
