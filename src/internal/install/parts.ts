/**
 * What the two halves of a flow, `begin` and `callback`, are made of.
 */
import type * as Effect from "effect/Effect"
import type * as InstallError from "../../InstallError.js"
import type * as OAuthV2 from "../../OAuthV2.js"
import type * as PendingInstall from "../../PendingInstall.js"
import type { Answer } from "./answer.js"
import type { Application } from "./application.js"
import type { FlowCookies } from "./flowCookies.js"
import type { Metadata } from "./metadata.js"
import type { Render } from "./render.js"
import type { Settings } from "./settings.js"

export interface Parts<M> {
  readonly settings: Settings
  readonly oauth: OAuthV2.Service
  readonly store: PendingInstall.Service
  readonly application: Application<M>
  readonly metadata: Metadata<M>
  readonly cookies: FlowCookies
  readonly render: Render<M>
  /** Reports a failure to the application and shows it. For failures before an attempt runs. */
  readonly refuse: (error: InstallError.InstallError, setCookies?: ReadonlyArray<string>) => Effect.Effect<Answer>
}
