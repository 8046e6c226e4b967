// Runs an app on Effect 3 and the same app on Effect 4 at once, on one Postgres: `npm run build && npm run effect-4 && npm
// run majors`. What one of them stores, the other one reads: an install that is pending, and an installation. When
// a token has run out, both get the same new one, and Slack sees one refresh.
import { build } from "esbuild"
import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { createServer } from "node:http"
import { resolve } from "node:path"
import { createInterface } from "node:readline"
import * as Postgres from "../test/utils/postgres.ts"

const stops = []

// -------------------------------------------------------------------------------------
// Slack
// -------------------------------------------------------------------------------------

/** An emulated Slack behind a proxy, which counts refreshes. */
const startSlack = async () => {
  const emulator = spawn(process.execPath, ["dist/cli/main.js", "emulator", "--port", "0", "--quiet"], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  stops.push(() => emulator.kill())
  const env = {}
  for await (const line of createInterface(emulator.stdout)) {
    const [, name, value] = /^ *(SLACK_\w+)=(\S+)/.exec(line) ?? []
    if (name !== undefined) env[name] = value
    if (Object.keys(env).length === 3) break
  }
  let refreshes = 0
  const proxy = createServer(async (request, response) => {
    const body = await new Response(request).text()
    if (body.includes("grant_type=refresh_token")) refreshes++
    const { "content-length": _, host: __, ...headers } = request.headers
    const answer = await fetch(env.SLACK_BASE_URL + request.url, {
      method: request.method,
      headers,
      redirect: "manual",
      ...request.method === "POST" && { body }
    })
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" })
    response.end(await answer.text())
  })
  await new Promise((done) => proxy.listen(0, "127.0.0.1", done))
  stops.push(() => {
    proxy.close()
    proxy.closeAllConnections()
  })
  const SLACK_BASE_URL = `http://127.0.0.1:${proxy.address().port}`
  return { consentUrl: env.SLACK_BASE_URL, env: { ...env, SLACK_BASE_URL }, refreshes: () => refreshes }
}

// -------------------------------------------------------------------------------------
// the two apps
// -------------------------------------------------------------------------------------

/** Bundles the worker of a folder beside it. This package is that folder's dist, and everything else its node_modules. */
const bundle = async (folder) => {
  const outfile = resolve(folder, ".tmp/majors/worker.mjs")
  await build({
    entryPoints: [resolve(folder, "scripts/majors/worker.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    tsconfigRaw: {},
    plugins: [{
      name: "this-package",
      setup: ({ onResolve }) =>
        onResolve({ filter: /^effect-slack-oauth\// }, ({ path }) => ({
          path: resolve(folder, "dist", `${path.slice("effect-slack-oauth/".length)}.js`),
          external: true
        }))
    }]
  })
  return outfile
}

const startApp = async (name, node, file, env) => {
  const worker = spawn(node, [file], { env, stdio: ["pipe", "pipe", "inherit"] })
  stops.push(() => worker.kill())
  const lines = createInterface(worker.stdout)[Symbol.asyncIterator]()
  const next = async () => {
    for (;;) {
      const { done, value } = await lines.next()
      if (done) throw new Error(`the app on ${name} ended`)
      if (value.startsWith("answer ")) return JSON.parse(value.slice("answer ".length))
      // What it logs.
      console.log(value)
    }
  }
  const app = {
    name,
    ask: (question) => {
      worker.stdin.write(`${JSON.stringify(question)}\n`)
      return next()
    }
  }
  assert.equal(await next(), "ready")
  return app
}

/** A person begins an install at one app, allows it at Slack, and comes back to the other one. */
const install = async (begun, completed, { consentUrl }) => {
  const begin = await begun.ask({ ask: "browser", url: "https://example.com/slack/install", cookie: "" })
  assert.equal(begin.status, 302, `${begun.name} begins`)
  const query = new URL(begin.location).searchParams
  query.set("decision", "allow")
  const consent = await fetch(`${consentUrl}/oauth/v2/authorize`, { method: "POST", body: query, redirect: "manual" })
  const end = await completed.ask({
    ask: "browser",
    url: consent.headers.get("location"),
    cookie: begin.cookies.join("; ")
  })
  assert.equal(end.status, 303, `${completed.name} completes what ${begun.name} began`)
}

// -------------------------------------------------------------------------------------
// the story
// -------------------------------------------------------------------------------------

// Its tables do not belong into somebody's database.
delete process.env.DATABASE_URL

try {
  const { stop, url } = await Postgres.start()
  stops.push(stop)
  const slack = await startSlack()
  const env = {
    PATH: process.env.PATH,
    ...slack.env,
    DATABASE_URL: url,
    SLACK_TOKEN_KEYS: `test:${Buffer.alloc(32, 7).toString("base64")}`
  }
  const workers = await Promise.all([".", "effect-4"].map(bundle))
  const node22 = resolve("effect-4/node_modules/node22/bin/node")
  // The emulator has one workspace.
  const teamId = "T0EMULATED"
  for (const isReversed of [false, true]) {
    // New processes, which know nothing of the tokens before.
    const apps = await Promise.all([
      startApp("Effect 3", process.execPath, workers[0], env),
      startApp("Effect 4", node22, workers[1], env)
    ])
    const [one, other] = isReversed ? apps.toReversed() : apps
    await install(one, other, slack)
    const [stored, read] = await Promise.all([other, one].map((app) => app.ask({ ask: "stored", teamId })))
    assert.deepEqual(read, stored, `${one.name} reads what ${other.name} has stored`)

    // Its token runs out, and everybody asks for it at once.
    await one.ask({ ask: "expire" })
    const before = slack.refreshes()
    const tokens = await Promise.all(apps.map((app) => app.ask({ ask: "tokens", teamId, callers: 20 })))
    assert.equal(slack.refreshes() - before, 1, "one refresh for both")
    assert.equal(new Set(tokens.flat()).size, 1, "one token for all callers")
    assert.notEqual(tokens[0][0], stored.token)
    const now = await Promise.all(apps.map((app) => app.ask({ ask: "stored", teamId })))
    for (const { generation, token } of now) {
      assert.deepEqual([generation, token], [stored.generation + 1, tokens[0][0]])
    }
    console.log(`begun on ${one.name}, completed on ${other.name}, read and refreshed once by both`)
  }
} finally {
  for (const stop of stops.toReversed()) await stop()
}
