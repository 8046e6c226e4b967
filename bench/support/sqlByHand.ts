/** The statements of the SQL store, as an application would write them: without models, and with AES-GCM by hand. */
import type * as SqlClient from "@effect/sql/SqlClient"
import * as Effect from "effect/Effect"
import { strict as assert } from "node:assert"
import * as Fleet from "./fleet.js"

/** An installation with a bot token that rotates. */
export interface Installation {
  readonly id: string
  readonly details: string
  readonly accessToken: string
  readonly refreshToken: string
  readonly scopes: string
  readonly issuedAt: number
  readonly expiresAt: number
}

export const installation = (number: number, expiresAt: number): Installation => ({
  id: `A0BENCHHAND/workspace/${Fleet.teamOf(number)}`,
  details: JSON.stringify({
    target: { _tag: "Workspace", team: { id: Fleet.teamOf(number), name: null }, enterprise: null },
    installedBy: null
  }),
  accessToken: Fleet.tokenOf(number),
  refreshToken: `xoxe-1-bench-${number}`,
  scopes: "chat:write",
  issuedAt: expiresAt - 12 * 3_600_000,
  expiresAt
})

const utf8 = new TextEncoder()

const makeCipher = async () => {
  const key = await crypto.subtle.importKey("raw", Buffer.alloc(32, 7), "AES-GCM", false, ["encrypt", "decrypt"])
  const parameters = (iv: Uint8Array<ArrayBuffer>, row: string) => ({
    name: "AES-GCM",
    iv,
    additionalData: utf8.encode(row)
  })
  return {
    seal: async (text: string, row: string): Promise<string> => {
      const nonce = crypto.getRandomValues(new Uint8Array(12))
      const sealed = await crypto.subtle.encrypt(parameters(nonce, row), key, utf8.encode(text))
      return Buffer.concat([nonce, new Uint8Array(sealed)]).toString("base64url")
    },
    open: async (sealed: string, row: string): Promise<string> => {
      const bytes = Uint8Array.from(Buffer.from(sealed, "base64url"))
      const opened = await crypto.subtle.decrypt(parameters(bytes.slice(0, 12), row), key, bytes.subarray(12))
      return new TextDecoder().decode(opened)
    }
  }
}

interface Row {
  readonly generation: number | string
  readonly secret: string
}

interface Written {
  readonly subject: string
  readonly generation: number | string
  readonly secret?: string | null
}

const over = (sql: SqlClient.SqlClient, cipher: Awaited<ReturnType<typeof makeCipher>>) => {
  const seal = (one: Installation) =>
    Effect.promise(() =>
      cipher.seal(
        JSON.stringify({ accessToken: one.accessToken, refreshToken: one.refreshToken }),
        `${one.id}/bot`
      )
    )
  const open = (one: Installation, secret: string) =>
    Effect.map(
      Effect.promise(() => cipher.open(secret, `${one.id}/bot`)),
      (text): string => JSON.parse(text).accessToken
    )
  const select = (one: Installation) =>
    sql<Row>`SELECT installation, subject, issued_at, expires_at, dead_since, secret FROM slack_oauth_installations
      WHERE installation = ${one.id} AND subject IN ('', 'bot') AND secret IS NOT NULL`
  const upsert = (one: Installation, secret: string) =>
    sql<Written>`INSERT INTO slack_oauth_installations AS stored
        (installation, subject, generation, issued_at, details, scopes, secret, expires_at)
      VALUES (${one.id}, '', 1, ${one.issuedAt}, ${one.details}, NULL, NULL, NULL),
        (${one.id}, 'bot', 1, ${one.issuedAt}, NULL, ${one.scopes}, ${secret}, ${one.expiresAt})
      ON CONFLICT (installation, subject) DO UPDATE SET
        generation = stored.generation + 1,
        issued_at = excluded.issued_at,
        details = excluded.details,
        scopes = excluded.scopes,
        bot_user_id = NULL,
        secret = COALESCE(excluded.secret, stored.secret),
        expires_at = excluded.expires_at,
        dead_code = NULL,
        dead_since = NULL,
        removed_at = NULL
      RETURNING subject, generation`
  const insertOrSelect = (one: Installation, secret: string) =>
    sql<Written>`WITH present AS (
        SELECT installation, subject, issued_at, expires_at, dead_since, secret FROM slack_oauth_installations
        WHERE installation = ${one.id} AND subject IN ('', 'bot') AND secret IS NOT NULL
      ), written AS (
        INSERT INTO slack_oauth_installations AS stored
          (installation, subject, generation, issued_at, details, scopes, secret, expires_at)
        SELECT * FROM (VALUES
          (${one.id}, '', 1, CAST(${one.issuedAt} AS BIGINT), ${one.details}, NULL, NULL, NULL),
          (${one.id}, 'bot', 1, ${one.issuedAt}, NULL, ${one.scopes}, ${secret}, CAST(${one.expiresAt} AS BIGINT))
        ) AS incoming WHERE NOT EXISTS (SELECT 1 FROM present)
        ON CONFLICT (installation, subject) DO UPDATE SET
          generation = stored.generation + 1,
          issued_at = excluded.issued_at,
          details = excluded.details,
          scopes = excluded.scopes,
          bot_user_id = NULL,
          secret = COALESCE(excluded.secret, stored.secret),
          expires_at = excluded.expires_at,
          dead_code = NULL,
          dead_since = NULL,
          removed_at = NULL
        RETURNING subject, generation
      )
      SELECT 0 AS generation, subject, issued_at, expires_at, dead_since, secret FROM present
      UNION ALL SELECT generation, subject, NULL, NULL, NULL, NULL FROM written`
  const check = (one: Installation, rows: ReadonlyArray<{ readonly secret?: string | null }>) =>
    Effect.gen(function*() {
      for (const { secret } of rows) if (secret) yield* open(one, secret)
    })
  const isPostgres = sql.onDialectOrElse({ pg: () => true, orElse: () => false })
  return {
    save: (one: Installation) =>
      Effect.gen(function*() {
        const secret = yield* seal(one)
        let rows: ReadonlyArray<Written> = []
        if (isPostgres) rows = yield* insertOrSelect(one, secret)
        if (!isPostgres || rows.some(({ secret }) => secret)) {
          yield* check(one, isPostgres ? rows : yield* select(one))
          rows = yield* upsert(one, secret)
        }
        return Number(rows.find(({ subject }) => subject === "bot")?.generation)
      }),
    /** The token does not change, so that the benchmark knows it. */
    compareAndSet: (one: Installation, generation: number) =>
      Effect.gen(function*() {
        const secret = yield* seal(one)
        const [row] = yield* sql<Row>`UPDATE slack_oauth_installations SET
            generation = generation + 1, secret = ${secret}, issued_at = ${one.issuedAt},
            expires_at = ${one.expiresAt}, dead_code = NULL, dead_since = NULL
          WHERE installation = ${one.id} AND subject = 'bot' AND generation = ${generation} AND removed_at IS NULL
          RETURNING installation, subject, generation, issued_at, expires_at, dead_code, dead_since, scopes, bot_user_id`
        assert.equal(Number(row?.generation), generation + 1)
        return one.accessToken
      }),
    credential: (one: Installation) =>
      Effect.flatMap(
        sql<Row>`SELECT installation, subject, generation, issued_at, expires_at, dead_code, dead_since, scopes,
            bot_user_id, secret FROM slack_oauth_installations
          WHERE installation = ${one.id} AND subject = 'bot' AND removed_at IS NULL`,
        ([row]) => open(one, row!.secret)
      )
  }
}

export const make = (sql: SqlClient.SqlClient) => Effect.map(Effect.promise(makeCipher), (cipher) => over(sql, cipher))

export type ByHand = ReturnType<typeof over>
