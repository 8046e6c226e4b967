import type * as SqlClient from "@effect/sql/SqlClient"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackOAuth from "effect-slack-oauth/SlackOAuth"
import * as SqlInstallationStore from "effect-slack-oauth/sql/SqlInstallationStore"
import * as SqlPendingInstallStore from "effect-slack-oauth/sql/SqlPendingInstallStore"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "tstyche"

const publicUrl = "https://example.com"
const store = InstallationStore.layerMemory

describe("SlackOAuth.layer", () => {
  test("types the metadata by their schema", () => {
    SlackOAuth.layer({
      publicUrl,
      store,
      install: {
        metadata: Schema.Struct({ account: Schema.NumberFromString }),
        begin: () => Effect.succeed({ metadata: { account: 1 } }),
        success: ({ metadata }) => {
          expect(metadata.account).type.toBe<number>()
          return "slack"
        }
      },
      onInstalled: ({ metadata }) => {
        expect(metadata.account).type.toBe<number>()
        return Effect.void
      }
    })
  })

  test("has no metadata without a schema", () => {
    SlackOAuth.layer({
      publicUrl,
      store,
      install: { landing: true },
      onInstalled: (installed) => {
        expect(installed).type.toBe<InstallFlow.Installed<void>>()
        return Effect.void
      }
    })
    const begin = () => Effect.succeed({ metadata: 1 })
    expect(SlackOAuth.layer).type.not.toBeCallableWith({ publicUrl, store, install: { begin } })
  })

  test("refuses metadata without begin", () => {
    expect(SlackOAuth.layer).type.not.toBeCallableWith({ publicUrl, store, install: { metadata: Schema.String } })
  })

  test("takes every store of pending installs, and needs what it needs", () => {
    expect(SlackOAuth.layer).type.toBeCallableWith({
      publicUrl,
      store,
      pendingInstalls: PendingInstall.layerSealedCookieConfig
    })
    const app = SlackOAuth.layer({
      publicUrl,
      store: SqlInstallationStore.layer,
      pendingInstalls: SqlPendingInstallStore.layer
    })
    expect<Layer.Layer.Context<typeof app>>().type.toBe<SqlClient.SqlClient>()
  })
})
