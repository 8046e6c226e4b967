/**
 * What is behind the scenes of the Slack that the application speaks to: levers if it is an emulated one, nothing if it
 * is the real one. The application shows what there is.
 */
import type * as Installation from "effect-slack-oauth/Installation"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A button on the page. */
export interface Lever {
  /** The path that its form is posted to. */
  readonly path: `/${string}`
  readonly label: string
  /** Pulls it, and says what came of it. */
  readonly pull: Effect.Effect<string>
}

export class Backstage extends Context.Tag("Backstage")<Backstage, {
  readonly levers: ReadonlyArray<Lever>
  /** What whoever looks at the page has to know of this Slack. */
  readonly notices: Effect.Effect<ReadonlyArray<string>>
  /** Whether this Slack knows of an installation at all. */
  readonly remembers: (key: Installation.InstallationKey) => Effect.Effect<boolean>
}>() {}

/** Behind the real Slack. */
export const closed = Layer.succeed(Backstage, {
  levers: [],
  notices: Effect.succeed([]),
  remembers: () => Effect.succeed(true)
})
