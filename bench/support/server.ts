/**
 * The other side, in a process of its own: a Slack that answers every call at once with the same refreshed token, so
 * that what is measured is the client. Run as a program it prints its port; `start` runs it.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const body = JSON.stringify({
  ok: true,
  app_id: "A0BENCH",
  team: { id: "T0BENCH", name: "Bench" },
  enterprise: null,
  is_enterprise_install: false,
  access_token: "xoxe.xoxb-1-bench-access",
  token_type: "bot",
  scope: "chat:write,commands,users:read",
  bot_user_id: "U0BENCH",
  expires_in: 43200,
  refresh_token: "xoxe-1-bench-refresh"
})

/** Starts the server; it ends with this process, or when it is told to. */
export const start = async () => {
  const file = fileURLToPath(import.meta.url)
  const child = spawn(process.execPath, [...process.execArgv, file], { stdio: ["pipe", "pipe", "inherit"] })
  const [port] = await once(createInterface(child.stdout), "line") as [string]
  return { url: `http://127.0.0.1:${port}`, stop: () => child.kill() }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
      response.end(body)
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
  // When the parent goes, however it goes, its end of the pipe closes.
  process.stdin.on("end", () => process.exit()).resume()
}
