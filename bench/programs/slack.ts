/**
 * The other side, in a process of its own: a Slack that answers every call at once, so that what is measured is the
 * client. Each answer of `oauth.v2.access` has a token of its own, by which one can tell that a call was made for it.
 * Prints its port; answers `/requests` with how many calls there were of each method since it was asked before.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

let issued = 0
let requests: Record<string, number> = {}

const access = () => ({
  ok: true,
  app_id: "A0BENCH",
  team: { id: "T0BENCH", name: "Bench" },
  enterprise: null,
  is_enterprise_install: false,
  access_token: `xoxe.xoxb-1-bench-${++issued}`,
  token_type: "bot",
  scope: "chat:write,commands,users:read",
  bot_user_id: "U0BENCH",
  expires_in: 43200,
  refresh_token: `xoxe-1-bench-${issued}`,
  authed_user: { id: "U0PERSON" }
})

const identity = {
  ok: true,
  url: "https://bench.slack.com/",
  team_id: "T0BENCH",
  user_id: "U0BENCH",
  bot_id: "B0BENCH"
}

const answerTo = (path: string): unknown => {
  if (path === "/requests") {
    const counted = requests
    requests = {}
    return counted
  }
  const method = path.slice("/api/".length)
  requests[method] = (requests[method] ?? 0) + 1
  return method === "oauth.v2.access" ? access() : identity
}

const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const body = JSON.stringify(answerTo(request.url ?? ""))
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) })
    response.end(body)
  })
})
server.keepAliveTimeout = 60_000
server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
// When the parent goes, however it goes, its end of the pipe closes.
process.stdin.on("end", () => process.exit()).resume()
