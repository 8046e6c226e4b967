// Makes the package for Effect 4: `npm run effect-4`. See docs/effect-4.md.
//
// It installs what that package needs, generates its source, checks the types and builds it.
import { execFileSync } from "node:child_process"
import { existsSync, rmSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const here = join(root, "effect-4")

const run = (command, args, options) => execFileSync(command, args, { cwd: root, stdio: "inherit", ...options })
const bin = (name) => join(root, "node_modules", ".bin", name)

const steps = {
  install: () => {
    if (!existsSync(join(here, "node_modules", "effect"))) {
      run("npm", ["ci", "--no-audit", "--no-fund", "--prefix", here])
    }
  },
  generate: () => run(process.execPath, [join(here, "codemod.mjs"), "src"]),
  format: () => run(bin("dprint"), ["fmt", "--no-gitignore", "--log-level", "error", "effect-4/src/**/*.ts"]),
  check: () => run(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "-p", here]),
  build: () => {
    rmSync(join(here, "dist"), { recursive: true, force: true })
    run(process.execPath, [
      join(root, "node_modules", "typescript", "bin", "tsc"),
      "-p",
      join(here, "tsconfig.build.json")
    ])
    run(bin("babel"), [join(here, "dist"), "--out-dir", join(here, "dist"), "--source-maps"])
  }
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(steps)
for (const name of names) {
  const start = performance.now()
  steps[name]()
  console.log(`effect-4: ${name}, ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
