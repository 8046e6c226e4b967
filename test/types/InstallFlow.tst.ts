import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { describe, expect, test } from "tstyche"

class Database extends Context.Tag("test/Database")<Database, { readonly save: Effect.Effect<void> }>() {}

const publicUrl = "https://example.com"

describe("InstallFlow.layer", () => {
  test("says by name what has to be provided", () => {
    const flow = InstallFlow.layer({ publicUrl, onInstalled: () => Effect.void })
    expect(flow).type.toBe<
      Layer.Layer<
        InstallFlow.InstallFlow,
        Layer.Layer.Error<typeof flow>,
        OAuthV2.OAuthV2 | SlackApp.SlackApp | PendingInstall.PendingInstallStore
      >
    >()
    // A compiler error shows a type as an editor does.
    // @ts-expect-error Type 'Layer<InstallFlow, ConfigError | AuthorizeUrlError, OAuthV2 | SlackApp | PendingInstallStore>'
    const provided: Layer.Layer<InstallFlow.InstallFlow> = flow
    expect(provided).type.toBe<Layer.Layer<InstallFlow.InstallFlow>>()
  })

  test("needs what the application's effects need, but no scope", () => {
    const flow = InstallFlow.layer({
      publicUrl,
      onInstalled: () => Effect.zipRight(Effect.flatMap(Database, ({ save }) => save), Effect.scope)
    })
    expect<Layer.Layer.Context<typeof flow>>().type.toBe<
      OAuthV2.OAuthV2 | SlackApp.SlackApp | PendingInstall.PendingInstallStore | Database
    >()
  })

  test("types the metadata by their schema", () => {
    expect(InstallFlow.layer).type.toBeCallableWith({
      publicUrl,
      metadata: Schema.Struct({ account: Schema.NumberFromString }),
      begin: () => Effect.succeed({ metadata: { account: 1 } }),
      onInstalled: ({ metadata }: InstallFlow.Installed<{ readonly account: number }>) => Effect.log(metadata.account)
    })
    InstallFlow.layer({
      publicUrl,
      metadata: Schema.Struct({ account: Schema.NumberFromString }),
      begin: () => Effect.succeed({ metadata: { account: 1 } }),
      onInstalled: ({ metadata }) => {
        expect(metadata.account).type.toBe<number>()
        return Effect.void
      }
    })
  })

  test("refuses metadata without begin, and says that begin is missing", () => {
    // @ts-expect-error Property 'begin' is missing in type
    InstallFlow.layer({ publicUrl, metadata: Schema.String, onInstalled: () => Effect.void })
  })

  test("refuses a begin that gives metadata without their schema", () => {
    const begin = () => Effect.succeed({ metadata: 1 })
    expect(InstallFlow.layer).type.not.toBeCallableWith({ publicUrl, begin, onInstalled: () => Effect.void })
  })

  test("says which option is wrong, also where the flow has no metadata", () => {
    // @ts-expect-error Type 'number' is not assignable to type 'string | URL'
    InstallFlow.layer({ publicUrl: 5, onInstalled: () => Effect.void })
    // @ts-expect-error Property 'onInstalled' is missing in type
    InstallFlow.layer({ publicUrl })
  })

  test("has no metadata without a schema", () => {
    expect(InstallFlow.layer).type.not.toBeCallableWith({
      publicUrl,
      onInstalled: ({ metadata }: InstallFlow.Installed<string>) => Effect.log(metadata)
    })
    InstallFlow.layer({
      publicUrl,
      begin: () => Effect.succeed({ team: "T0TEST" }),
      onInstalled: ({ metadata }) => {
        expect(metadata).type.toBe<void>()
        return Effect.void
      }
    })
  })
})
