/** An app on a port of this machine, which accepts Slack's events. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

export interface EventReceiver {
  readonly url: string
  /** The type of each event, oldest first. */
  readonly types: ReadonlyArray<string>
  readonly close: () => void
}

export const receiveEvents = async (): Promise<EventReceiver> => {
  const types: Array<string> = []
  const server = createServer((request, response) => {
    let text = ""
    request.on("data", (chunk: Buffer) => {
      text += chunk
    })
    request.on("end", () => {
      const body = JSON.parse(text)
      types.push(body.event?.type ?? body.type)
      response.setHeader("content-type", "text/plain")
      response.end(body.challenge)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/slack/events`,
    types,
    close: () => {
      server.close()
      server.closeAllConnections()
    }
  }
}
