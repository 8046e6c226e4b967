import { InstallationStore } from "effect-slack-oauth"
import * as InstallationStoreSuite from "effect-slack-oauth/InstallationStoreSuite"
import * as Stores from "./utils/stores.js"

InstallationStoreSuite.register({ name: "memory", layer: InstallationStore.layerMemory })

InstallationStoreSuite.register({ name: "files", layer: Stores.files, installations: 300 })
