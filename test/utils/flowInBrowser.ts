/**
 * An install flow, the emulator, and a simple browser that goes through the flow. All of it is in memory.
 */
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as RetryPolicy from "effect-slack-oauth/RetryPolicy"
import * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const origin = "https://example.com"

/** An `OAuthV2` that speaks to the emulator in memory and repeats nothing. */
export const slackWith = (app: ReturnType<typeof SlackEmulator.layerSlackApp>) =>
  OAuthV2.layer.pipe(
    Layer.provide(SlackEmulator.layerHttpClient),
    Layer.provide(RetryPolicy.layer(RetryPolicy.none)),
    Layer.provideMerge(app)
  )

/** The same, with an emulator. */
export const slack = (options?: SlackEmulator.Options) =>
  Layer.provideMerge(slackWith(SlackEmulator.layerSlackApp()), SlackEmulator.layer(options))

/** Everything that a flow needs: Slack, and a store in memory. */
export const world = (options?: SlackEmulator.Options) => Layer.merge(slack(options), PendingInstall.layerMemory())

/** A function that answers requests, such as `handle` of a flow. */
export type Site = (request: Request) => Effect.Effect<Response>

/** Makes a browser. It keeps cookies as browsers do, and follows no redirect by itself. */
export const makeBrowser = (site: Site) => {
  const jar = new Map<string, string>()
  const setCookies: Array<string> = []

  const request = (url: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (jar.size > 0) headers.set("cookie", Array.from(jar, ([name, value]) => `${name}=${value}`).join("; "))
    return new Request(url, { ...init, headers })
  }

  const get = (url: string, init?: RequestInit) =>
    Effect.map(Effect.suspend(() => site(request(url, init))), (response) => {
      for (const line of response.headers.getSetCookie()) {
        setCookies.push(line)
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (/Max-Age=0(;|$)/.test(line)) jar.delete(name)
        else jar.set(name, value)
      }
      return response
    })

  return {
    jar,
    /** Every `Set-Cookie` line so far. */
    setCookies,
    request,
    get,
    /** Clicks "Add to Slack": the address of the consent page. */
    begin: (path = "/slack/install") =>
      Effect.map(get(`${origin}${path}`), (response) => response.headers.get("location") ?? "")
  }
}

/** Clicks "Add to Slack" and Allow: the address that Slack sends the browser to. */
export const allowed = (
  browser: ReturnType<typeof makeBrowser>,
  consent?: Omit<SlackEmulator.AuthorizeRequest, "url">
) =>
  Effect.flatMap(
    browser.begin(),
    (url) => Effect.map(SlackEmulator.authorize({ ...consent, url }), ({ url }) => url)
  )

/** Installs, as a person in a browser does: the last response of a flow that stores nothing. */
export const installed = (flow: InstallFlow.Service) =>
  SlackEmulator.install(flow).pipe(
    Effect.map(({ response }) => response),
    Effect.provide(InstallationStore.layerMemory)
  )

/** A flow that records its installs and failures, and a browser for it. */
export const counted = (options: Partial<InstallFlow.Options<void>> = {}) =>
  Effect.gen(function*() {
    const installs: Array<InstallFlow.Installed<void>> = []
    const failures: Array<InstallFlow.Failed<void>> = []
    const flow = yield* InstallFlow.make({
      publicUrl: origin,
      botScopes: ["chat:write", "commands"],
      retryPolicy: RetryPolicy.none,
      onInstalled: (installed) => Effect.sync(() => installs.push(installed)),
      onFailed: (failed) => Effect.sync(() => failures.push(failed)),
      ...options
    })
    return { flow, installs, failures, browser: makeBrowser(flow.handle) }
  })
