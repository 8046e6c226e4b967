/**
 * A TCP proxy on loopback that can fall silent: nobody closes a connection and nothing passes, as when a firewall has
 * forgotten a connection or a cable is out. New connections are accepted then, and get no answer either.
 */
import * as Effect from "effect/Effect"
import * as Net from "node:net"

/** Which way nothing passes: with `answers` the requests still arrive, so that what they ask for is done. */
export type Silence = "both" | "answers"

/**
 * What becomes of the connections that were silent: what waited is delivered, as TCP does after a cable is back, or the
 * connections are reset, as a firewall does that does not know them any more.
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
  /** An end that came during the silence, and is passed on after it. */
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
