/**
 * The server, in a process of its own: a Slack that answers every call at once, so that only the client is measured. Each
 * answer of `oauth.v2.access` has a different token, which shows that a call was made for it. Prints its port; answers
 * `/requests` with the number of calls of each method since the last such request.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { accessAnswer } from "../support/answers.js"

let issued = 0
let requests: Record<string, number> = {}

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
  return method === "oauth.v2.access" ? accessAnswer(++issued) : identity
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
// When the parent ends in any way, its end of the pipe closes.
process.stdin.on("end", () => process.exit()).resume()
