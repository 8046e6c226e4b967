/** Installs an app through the emulator, and looks at what the manager, the store and Slack then do. */
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import type * as SlackApp from "effect-slack-oauth/SlackApp"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as TokenManager from "effect-slack-oauth/TokenManager"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/TestClock"
import { type FaultyStore, unavailable } from "./faultyStore.js"

/** A person allows the app, and the code is exchanged for tokens. */
export const redeem = (request?: SlackEmulator.AuthorizeRequest, app?: SlackApp.Service) =>
  Effect.flatMap(SlackEmulator.authorize(request), ({ code }) => OAuthV2.access({ code, app }))

/** A person allows the app, the code is exchanged, and the installation is stored. */
export const install = (request?: SlackEmulator.AuthorizeRequest, app?: SlackApp.Service) =>
  Effect.gen(function*() {
    const at = yield* DateTime.now
    return yield* InstallationStore.save(Installation.fromTokenResponse(yield* redeem(request, app), at))
  })

export const botToken = (key: Installation.InstallationKey) => Effect.map(TokenManager.botToken(key), Redacted.value)

export const storedToken = (key: Installation.CredentialKey) =>
  Effect.gen(function*() {
    const store = yield* InstallationStore.InstallationStore
    const credential = yield* Effect.flatten(store.credential(key))
    return Redacted.value(credential.token.accessToken)
  })

/** Installs the app, and refreshes its token when that has expired. From then on, the store takes no new token. */
export const unsavedToken = (faultyStore: FaultyStore) =>
  Effect.gen(function*() {
    const { key } = yield* install()
    yield* TestClock.adjust("12 hours")
    faultyStore.before("compareAndSet", unavailable("compareAndSet"))
    return { key, token: yield* botToken(key) }
  })

/** How many refreshes Slack was asked for. */
export const refreshes = Effect.map(
  SlackEmulator.calls,
  (calls) => calls.filter(({ grantType }) => grantType === "refresh_token").length
)

/** The events of the manager from now on. */
export const watchEvents = Effect.gen(function*() {
  const seen: Array<TokenManager.Event> = []
  yield* Effect.forkDaemon(Stream.runForEach(TokenManager.events, (event) => Effect.sync(() => seen.push(event))))
  yield* Effect.yieldNow()
  return seen
})
