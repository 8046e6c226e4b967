/**
 * A libsql client whose connections wait for other writers, and are not used again once they failed to.
 */
import type { Client, InStatement, TransactionMode } from "@libsql/client"
import { codeOf } from "./sqlFailure.js"

/** Much longer than any transaction should take. */
export const standardPatience = 20_000

/** The driver does its work before it returns its promise, so nothing comes between the setting and the statement. */
export const patient = (client: Client, millis: number = standardPatience): Client => {
  const wait = () => {
    void client.execute(`PRAGMA busy_timeout = ${Math.ceil(millis)}`)
  }
  /** To begin a transaction takes the connection away from the client, which opens another when it needs one. */
  const drop = async (error: unknown): Promise<never> => {
    if (/^SQLITE_(BUSY|LOCKED)/.test(codeOf(error) ?? "")) (await client.transaction("deferred")).close()
    throw error
  }
  const own: Pick<Client, "batch" | "execute" | "transaction"> = {
    batch: (statements, mode) => {
      wait()
      return client.batch(statements, mode).catch(drop)
    },
    execute: (statement: InStatement) => {
      wait()
      return client.execute(statement).catch(drop)
    },
    transaction: (mode: TransactionMode = "write") => {
      wait()
      return client.transaction(mode).catch(drop)
    }
  }
  return new Proxy(client, {
    get: (target, property) => {
      if (property in own) return own[property as keyof typeof own]
      const value: unknown = Reflect.get(target, property, target)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
}
