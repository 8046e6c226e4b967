/**
 * A TCP proxy on loopback that can fall silent: no connection is closed, and no data passes. A firewall that has dropped a
 * connection does this, or a cable that is unplugged. The proxy still accepts new connections, which get no answer.
 */
import * as Effect from "effect/Effect"
import * as Net from "node:net"

/** What is held back. With `answers` the requests still arrive, and the server acts on them. */
export type Silence = "both" | "answers"

/**
 * What happens to the silent connections. `deliver` sends the data that was held back, as TCP does when the cable is
 * plugged in again. `reset` resets the connections, as a firewall does that has dropped them.
 */
export type Recovery = "deliver" | "reset"

export interface SilentProxy {
  readonly port: number
  readonly fallSilent: (silence: Silence) => void
  readonly recover: (recovery: Recovery) => void
  /** How many pieces of data were held back so far. */
  readonly held: () => number
}

interface Connection {
  readonly client: Net.Socket
  /** Opened with the first data that may pass. */
  server: Net.Socket | undefined
  readonly toServer: Array<Buffer>
  readonly toClient: Array<Buffer>
  /** Whether one side closed the connection during the silence. The other side learns it afterwards. */
  ended: boolean
}

export const makeSilentProxy = (target: { readonly host: string; readonly port: number }) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.async<{ readonly server: Net.Server; readonly proxy: SilentProxy }>((resume) => {
        let silence: Silence | undefined
        let held = 0
        const connections = new Set<Connection>()

        const end = (connection: Connection) => {
          if (silence !== undefined) {
            connection.ended = true
            return
          }
          connections.delete(connection)
          connection.client.destroy()
          connection.server?.destroy()
        }

        const open = (connection: Connection) => {
          const server = connection.server = Net.connect({ ...target, noDelay: true })
          server.on("data", (data) => {
            if (silence === undefined) connection.client.write(data)
            else held += connection.toClient.push(data) > 0 ? 1 : 0
          })
          server.on("error", () => {})
          server.on("close", () => end(connection))
          return server
        }

        const send = (connection: Connection) => {
          const server = connection.server ?? open(connection)
          for (const data of connection.toServer.splice(0)) server.write(data)
        }

        const server = Net.createServer({ noDelay: true }, (client) => {
          const connection: Connection = { client, server: undefined, toServer: [], toClient: [], ended: false }
          connections.add(connection)
          client.on("data", (data) => {
            connection.toServer.push(data)
            if (silence === "both") held++
            else send(connection)
          })
          client.on("error", () => {})
          client.on("close", () => end(connection))
        })

        const recover = (recovery: Recovery) => {
          silence = undefined
          for (const connection of Array.from(connections)) {
            if (connection.ended) {
              end(connection)
            } else if (recovery === "reset") {
              connections.delete(connection)
              connection.client.resetAndDestroy()
              connection.server?.resetAndDestroy()
            } else {
              if (connection.toServer.length > 0) send(connection)
              for (const data of connection.toClient.splice(0)) connection.client.write(data)
            }
          }
        }

        server.listen(0, "127.0.0.1", () =>
          resume(Effect.succeed({
            server,
            proxy: {
              port: (server.address() as Net.AddressInfo).port,
              fallSilent: (how: Silence) => void (silence = how),
              recover,
              held: () => held
            }
          })))
      }),
      ({ proxy, server }) =>
        Effect.sync(() => {
          proxy.recover("reset")
          server.close()
        })
    ),
    ({ proxy }) => proxy
  )
