export * as InstallationStoreWorker from "./InstallationStoreWorker.js"
export * as MovableClock from "./MovableClock.js"
export * as SlackEmulator from "./SlackEmulator.js"
export * as SlackEmulatorSeed from "./SlackEmulatorSeed.js"
