// Packs the package and uses the tarball as a user would: in an empty project, with the peers of the README's install
// line and again with the oldest peers that package.json permits. Reads dist, so `npm run build` comes first.
import { build } from "esbuild"
import { execFile } from "node:child_process"
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const manifest = JSON.parse(readFileSync("package.json", "utf8"))
const temporary = mkdtempSync(join(tmpdir(), `${manifest.name}-package-`))

// Not the blocking variant: the Slack below lives in this process.
const run = (cwd, command, args, env = {}) =>
  new Promise((done, fail) =>
    execFile(
      command,
      args,
      { cwd, env: { ...process.env, ...env } },
      (error, stdout, stderr) =>
        error ? fail(new Error(`${command} ${args.join(" ")}\n${stdout}${stderr}`)) : done(stdout.trim())
    )
  )

const fail = (message) => {
  throw new Error(message)
}

const pack = async () => {
  const [{ filename, files }] = JSON.parse(
    await run(".", "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", temporary])
  )
  const paths = files.map((file) => file.path)
  for (const needed of ["LICENSE", "README.md", "CHANGELOG.md", "dist/index.js", "dist/index.d.ts", "src/index.ts"]) {
    if (!paths.includes(needed)) fail(`the tarball lacks ${needed}`)
  }
  const stray = paths.filter((path) => !/^(dist|src)\/|^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/.test(path))
  if (stray.length > 0) fail(`the tarball carries ${stray.join(", ")}`)
  if (manifest.dependencies !== undefined) fail("effect belongs to the user: no dependencies, only peers")
  return join(temporary, filename)
}

/** The peers a newcomer gets by pasting the README's line. */
const readmePeers = () => {
  const readme = existsSync("README.md") ? readFileSync("README.md", "utf8") : ""
  const words = readme.split("\n")
    .filter((line) => /^\s*(\$ )?npm (install|i) /.test(line))
    .map((line) => line.trim().split(/\s+/).slice(line.trim().startsWith("$") ? 3 : 2))
    .find((words) => words.includes(manifest.name))
  if (words === undefined) fail(`README.md has no line "npm install ${manifest.name} …"`)
  const peers = words.filter((word) => word !== manifest.name).map((word) => word.replace(/^["']|["']$/g, ""))
  for (const name of Object.keys(manifest.peerDependencies)) {
    if (!peers.some((peer) => peer.startsWith(`${name}@`))) {
      fail(`README.md: the install line names no version of ${name}`)
    }
  }
  return peers
}

const floorPeers = () =>
  Object.entries(manifest.peerDependencies).map(([name, range]) => `${name}@${/^(?:\^|>=)(\S+)/.exec(range)[1]}`)

/** A Slack that knows one code. */
const slack = createServer((request, response) => {
  let body = ""
  request.on("data", (chunk) => body += chunk).on("end", () => {
    const refused = new URLSearchParams(body).get("code") === "bad"
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify(
      refused
        ? { ok: false, error: "invalid_code" }
        : {
          ok: true,
          app_id: "A0TEST",
          token_type: "bot",
          access_token: "xoxb-test-package",
          scope: "chat:write",
          team: { id: "T0TEST", name: "Test" }
        }
    ))
  })
})

const checkWith = async (label, tarball, peers) => {
  const project = join(temporary, label)
  mkdirSync(project)
  writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
  copyFileSync("scripts/consumer/consumer.ts", join(project, "consumer.ts"))
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        target: "ES2022",
        module: "NodeNext",
        lib: ["ES2022", "DOM", "DOM.Iterable"],
        types: [],
        strict: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: false,
        outDir: "out"
      }
    })
  )
  await run(project, "npm", ["install", "--strict-peer-deps", "--no-audit", "--no-fund", tarball, ...peers])
  await run(project, process.execPath, [resolve("node_modules/typescript/bin/tsc"), "-p", "."])

  const output = await run(project, process.execPath, ["out/consumer.js"], {
    SLACK_CLIENT_ID: "1.1",
    SLACK_CLIENT_SECRET: "test-secret",
    SLACK_BASE_URL: `http://127.0.0.1:${slack.address().port}`
  })
  const expected = JSON.stringify(["installed by A0TEST", "SlackInvalidCode restart true", "Workspace"])
  if (output !== expected) fail(`${label}: the consumer printed ${output}, not ${expected}`)

  // No polyfills and no externals: an import of a Node builtin anywhere below fails here.
  const { warnings } = await build({
    entryPoints: [join(project, "out/consumer.js")],
    outfile: join(project, "out/browser.js"),
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    logLevel: "silent"
  })
  if (warnings.length > 0) fail(`${label}: ${warnings.map((warning) => warning.text).join("\n")}`)

  const internal = await run(project, process.execPath, [
    "--input-type=module",
    "--eval",
    `await import("${manifest.name}/internal/version").then(() => console.log("open"), (error) => console.log(error.code))`
  ])
  if (internal !== "ERR_PACKAGE_PATH_NOT_EXPORTED") fail(`${label}: internal modules can be imported (${internal})`)
  console.log(`${label} (${peers.join(" ")}): installed, type-checked, run, bundled for browsers`)
}

try {
  await new Promise((done) => slack.listen(0, "127.0.0.1", done))
  const tarball = await pack()
  // attw skips wildcard exports, so the modules are named.
  const modules = readdirSync("dist", { recursive: true })
    .filter((path) => path.endsWith(".d.ts") && !path.startsWith("internal/") && path !== "index.d.ts")
    .map((path) => path.slice(0, -".d.ts".length))
  await run(".", "npx", ["attw", tarball, "--profile", "esm-only", "--entrypoints", ".", ...modules])
  console.log("attw: types resolve")
  await checkWith("readme", tarball, readmePeers())
  await checkWith("floor", tarball, floorPeers())
} finally {
  slack.close()
  rmSync(temporary, { recursive: true, force: true })
}
