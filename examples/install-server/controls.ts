/**
 * Buttons and notices for the page that depend on the Slack: the emulator has some, the real Slack has none.
 */
import type * as Installation from "effect-slack-oauth/Installation"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export interface Button {
  /** The path that its form posts to. */
  readonly path: `/${string}`
  readonly label: string
  /** Acts, and returns an entry for the journal. */
  readonly press: Effect.Effect<string>
}

export class Controls extends Context.Tag("Controls")<Controls, {
  readonly buttons: ReadonlyArray<Button>
  /** Texts at the top of the page. */
  readonly notices: Effect.Effect<ReadonlyArray<string>>
  /** Whether this Slack knows an installation. */
  readonly knows: (key: Installation.InstallationKey) => Effect.Effect<boolean>
}>() {}

/** The controls of the real Slack: none. */
export const none = Layer.succeed(Controls, {
  buttons: [],
  notices: Effect.succeed([]),
  knows: () => Effect.succeed(true)
})
