/** Both halves of an install, against the same halves of `@slack/oauth`. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as AuthorizeUrl from "effect-slack-oauth/AuthorizeUrl"
import * as Installation from "effect-slack-oauth/Installation"
import * as InstallationStore from "effect-slack-oauth/InstallationStore"
import * as InstallFlow from "effect-slack-oauth/InstallFlow"
import * as OAuthV2 from "effect-slack-oauth/OAuthV2"
import * as PendingInstall from "effect-slack-oauth/PendingInstall"
import * as SlackApp from "effect-slack-oauth/SlackApp"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Option from "effect/Option"
import { strict as assert } from "node:assert"
import { randomBytes } from "node:crypto"
import { IncomingMessage, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { type Candidate, compare, wallRatio } from "./support/compare.js"
import { makeProvider } from "./support/peer.js"
import * as Programs from "./support/programs.js"
import { atLeast, ofRows, type Report } from "./support/report.js"

const origin = "https://example.com"
const botScopes = ["chat:write", "commands", "users:read"]
const userScopes = ["search:read"]

/** What Node's server passes to the handler of a request. */
const incoming = (path: string, cookie?: string): readonly [IncomingMessage, ServerResponse] => {
  const request = new IncomingMessage(new Socket())
  request.method = "GET"
  request.url = path
  request.headers = { host: "example.com", ...(cookie === undefined ? undefined : { cookie }) }
  return [request, new ServerResponse(request)]
}

/** What the callback gets: the state in the query, and the cookie that was set. */
interface Return {
  readonly path: string
  readonly cookie: string
}

const returnOf = (location: string, cookies: ReadonlyArray<string>): Return => ({
  path: `/slack/oauth_redirect?code=1.2.${randomBytes(16).toString("hex")}&state=${
    encodeURIComponent(new URL(location).searchParams.get("state") ?? "")
  }`,
  cookie: cookies.map((line) => line.split(";")[0]).join("; ")
})

const series = async <A>(times: number, once: (index: number) => A | Promise<A>): Promise<ReadonlyArray<A>> => {
  const results: Array<A> = []
  for (let index = 0; index < times; index++) results.push(await once(index))
  return results
}

const repeated = <A>(
  once: () => A | Promise<A>,
  check: (results: ReadonlyArray<A>) => void
): Candidate["prepare"] =>
(times) =>
async () => {
  const results = await series(times, once)
  return () => check(results)
}

/** Checks that every address names the app and the scopes, and has a different state. */
const checkUrls = (urls: ReadonlyArray<string>) => {
  const states = new Set<string>()
  for (const url of urls) {
    const { searchParams } = new URL(url)
    assert.equal(searchParams.get("client_id"), "1.1")
    assert.equal(searchParams.get("scope"), botScopes.join(","))
    assert.equal(searchParams.get("user_scope"), userScopes.join(","))
    assert.equal(searchParams.get("redirect_uri"), `${origin}/slack/oauth_redirect`)
    states.add(searchParams.get("state") ?? "")
  }
  assert.equal(states.size, urls.length)
}

const urlOptions = { botScopes, userScopes, redirectUri: `${origin}/slack/oauth_redirect` }

export const run = async (): Promise<ReadonlyArray<Report>> => {
  const slack = await Programs.slack()

  // this package
  const app = SlackApp.layer({ clientId: "1.1", clientSecret: "bench-secret", baseUrl: slack.url })
  const live = (client: typeof FetchHttpClient.layer) =>
    ManagedRuntime.make(
      InstallFlow.layer({
        publicUrl: origin,
        botScopes,
        userScopes,
        onInstalled: ({ requestedAt, response }) =>
          InstallationStore.save(Installation.fromTokenResponse(response, requestedAt))
      }).pipe(
        Layer.provideMerge(Layer.mergeAll(PendingInstall.layerMemory(), InstallationStore.layerMemory, OAuthV2.layer)),
        Layer.provideMerge(app),
        Layer.provide(client)
      )
    )
  const onFetch = live(FetchHttpClient.layer)
  const onUndici = live(NodeHttpClient.layerUndici)
  type Live = typeof onFetch
  const slackApp = await onFetch.runPromise(SlackApp.SlackApp)

  const storedGeneration = ({ runPromise }: Live) =>
    runPromise(Effect.map(
      InstallationStore.get(Installation.workspace("A0BENCH", "T0BENCH")),
      Option.match({
        onNone: () => 0,
        onSome: ({ bot }) => Option.getOrThrow(bot).generation
      })
    ))

  const begin = async ({ runPromise }: Live): Promise<Return> => {
    const response = await runPromise(
      Effect.flatMap(InstallFlow.InstallFlow, (flow) => flow.begin(new Request(`${origin}/slack/install`)))
    )
    return returnOf(response.headers.get("location") ?? "", response.headers.getSetCookie())
  }

  const ourCallback = (live: Live): Candidate["prepare"] => async (times) => {
    const returns = await series(times, () => begin(live))
    const before = await storedGeneration(live)
    await slack.requests()
    return async () => {
      const responses = await series(times, (index) => {
        const { cookie, path } = returns[index]!
        return live.runPromise(
          Effect.flatMap(
            InstallFlow.InstallFlow,
            (flow) => flow.callback(new Request(`${origin}${path}`, { headers: { cookie } }))
          )
        )
      })
      return async () => {
        for (const { status } of responses) assert.equal(status, 303)
        assert.deepEqual(await slack.requests(), { "oauth.v2.access": times })
        assert.equal(await storedGeneration(live), before + times, "each install was stored")
      }
    }
  }

  // @slack/oauth
  let stored = 0
  const { provider } = makeProvider(slack.url)
  const storeInstallation = provider.installationStore.storeInstallation.bind(provider.installationStore)
  provider.installationStore.storeInstallation = (installation, logger) => {
    stored++
    return storeInstallation(installation as never, logger)
  }
  const installOptions = { scopes: botScopes, userScopes, redirectUri: urlOptions.redirectUri }

  const theirBegin = async (): Promise<Return> => {
    const [request, response] = incoming("/slack/install")
    await provider.handleInstallPath(request, response, {}, installOptions)
    return returnOf(String(response.getHeader("location")), [String(response.getHeader("set-cookie"))])
  }

  const theirCallback: Candidate["prepare"] = async (times) => {
    const returns = await series(times, theirBegin)
    stored = 0
    await slack.requests()
    return async () => {
      let succeeded = 0
      await series(times, (index) => {
        const { cookie, path } = returns[index]!
        return provider.handleCallback(...incoming(path, cookie), {
          success: (_installation, _options, _request, response) => {
            succeeded++
            response.writeHead(302, { location: "slack://open" }).end()
          }
        })
      })
      return async () => {
        assert.equal(succeeded, times)
        assert.equal(stored, times)
        assert.deepEqual(await slack.requests(), { "oauth.v2.access": times, "auth.test": times })
      }
    }
  }

  try {
    const urls = await compare([
      {
        name: "generateInstallUrl",
        prepare: repeated(() => provider.generateInstallUrl(installOptions), checkUrls)
      },
      {
        name: "AuthorizeUrl.forApp",
        prepare: repeated(
          () =>
            Either.getOrThrow(
              AuthorizeUrl.forApp(slackApp, { ...urlOptions, state: randomBytes(32).toString("base64url") })
            ),
          checkUrls
        )
      },
      {
        name: "handleInstallPath",
        prepare: repeated(async () => {
          const [request, response] = incoming("/slack/install")
          await provider.handleInstallPath(request, response, {}, installOptions)
          return String(response.getHeader("location"))
        }, checkUrls)
      },
      {
        name: "InstallFlow.begin",
        prepare: repeated(async () => {
          const response = await onFetch.runPromise(
            Effect.flatMap(InstallFlow.InstallFlow, (flow) => flow.begin(new Request(`${origin}/slack/install`)))
          )
          return response.headers.get("location") ?? ""
        }, checkUrls)
      }
    ], { times: 500, rounds: 9 })
    const callbacks = await compare([
      { name: "handleCallback", prepare: theirCallback },
      { name: "InstallFlow.callback on fetch", prepare: ourCallback(onFetch) },
      { name: "InstallFlow.callback on undici", prepare: ourCallback(onUndici) }
    ], { times: 300, rounds: 9 })
    const faster = (rows: typeof urls, one: string, other: string) => wallRatio(rows, other, one).median
    return [
      ofRows("The address of the consent page", urls, {
        targets: [
          atLeast(
            "AuthorizeUrl.forApp as fast as generateInstallUrl:",
            faster(urls, "AuthorizeUrl.forApp", "generateInstallUrl"),
            5,
            "×"
          ),
          atLeast(
            "InstallFlow.begin as fast as handleInstallPath:",
            faster(urls, "InstallFlow.begin", "handleInstallPath"),
            5,
            "×"
          )
        ],
        notes: [
          "`generateInstallUrl` makes the address with a state that carries the options in a signed JWT. " +
          "`AuthorizeUrl.forApp` makes it with 32 random bytes for a state, which it does not keep.",
          "`handleInstallPath` and `InstallFlow.begin` answer the request: state, cookie, address. `begin` also keeps " +
          "what the callback has to agree on, under the state's hash."
        ]
      }),
      ofRows("The callback", callbacks, {
        targets: [
          atLeast(
            "InstallFlow.callback on fetch as fast as handleCallback:",
            faster(callbacks, "InstallFlow.callback on fetch", "handleCallback"),
            2,
            "×"
          ),
          atLeast(
            "InstallFlow.callback on undici as fast as handleCallback:",
            faster(callbacks, "InstallFlow.callback on undici", "handleCallback"),
            2,
            "×"
          )
        ],
        notes: [
          "Both check state and cookie, get tokens for the code from the local server, store in memory and redirect. " +
          "`handleCallback` makes two requests, `oauth.v2.access` and `auth.test` for the bot's id; `callback` makes one."
        ]
      })
    ]
  } finally {
    await Promise.all([onFetch.dispose(), onUndici.dispose()])
    await slack.stop()
  }
}
