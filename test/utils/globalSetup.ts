/** Starts one Postgres for all test files, when the first of them asks for it. */
import * as Http from "node:http"
import type { AddressInfo } from "node:net"
import type { TestProject } from "vitest/node"
import type { Postgres } from "./postgres.js"

declare module "vitest" {
  export interface ProvidedContext {
    /** An address that answers with the URL of the Postgres of this run. The first request starts it. */
    readonly postgresAt: string
  }
}

export default async (project: TestProject) => {
  let postgres: Promise<Postgres> | undefined
  const server = Http.createServer((_, response) => {
    postgres ??= import("./postgres.js").then(({ start }) => start())
    postgres.then(
      ({ url }) => response.end(url),
      (error) => response.writeHead(500).end(String(error))
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  project.provide("postgresAt", `http://127.0.0.1:${(server.address() as AddressInfo).port}`)

  return async () => {
    server.close()
    server.closeAllConnections()
    await postgres?.then(({ stop }) => stop(), () => {})
  }
}
