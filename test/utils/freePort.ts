/** A port of this machine that nobody listens on. */
import * as Net from "node:net"

/** Listens on any free port for a moment. Another program may take it afterwards. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = Net.createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as Net.AddressInfo
      server.close(() => resolve(port))
    })
  })
