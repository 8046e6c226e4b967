/** The runtime of Cloudflare Workers, in a process of its own. */
import * as Effect from "effect/Effect"
import { build } from "esbuild"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Path from "node:path"
// @ts-expect-error It has no types: this is the path of its binary.
import workerd from "workerd"
import { temporaryFolder } from "./databases.js"

/** What workerd is to run, where it may connect to, and where it listens. */
const configOf = (env: Readonly<Record<string, string>>) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "2026-01-01",
      globalOutbound = "network",
      bindings = [${Object.entries(env).map(([name, text]) => `(name = "${name}", text = "${text}")`).join(", ")}]
    )),
    (name = "network", network = (allow = ["private", "public"]))
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);`

/**
 * Serves a worker of `test/utils/workers` in workerd, and returns its address. The worker is bundled as for a browser, so it
 * does not build if anything in it imports a module of Node. `quiet` hides what workerd says of requests that it ends.
 */
export const serve = (worker: string, env: Readonly<Record<string, string>>, { quiet = false } = {}) =>
  Effect.gen(function*() {
    const folder = yield* temporaryFolder
    yield* Effect.promise(() =>
      build({
        entryPoints: [Path.resolve(import.meta.dirname, `workers/${worker}.ts`)],
        outfile: Path.join(folder, "worker.js"),
        bundle: true,
        platform: "browser",
        format: "esm",
        target: "es2022"
      })
    )
    const config = Path.join(folder, "config.capnp")
    Fs.writeFileSync(config, configOf(env))
    const child = yield* Effect.acquireRelease(
      Effect.sync(() =>
        spawn(workerd, ["serve", config, "--control-fd=3"], {
          stdio: ["ignore", "inherit", quiet ? "ignore" : "inherit", "pipe"]
        })
      ),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const port = yield* Effect.async<number>((resume) => {
      child.stdio[3]?.on("data", (data: Buffer) => {
        const [, port] = /"port":(\d+)/.exec(data.toString()) ?? []
        if (port !== undefined) resume(Effect.succeed(Number(port)))
      })
    })
    return `http://127.0.0.1:${port}`
  })
