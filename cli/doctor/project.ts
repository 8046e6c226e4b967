/** Reads which packages are installed in a folder, or above it. */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Effect from "effect/Effect"
import { parseObject } from "../../src/internal/unknown.js"
import { looked, type Project } from "./packages.js"

const own = "effect-slack-oauth"

/** What is installed for the program in `folder`. What cannot be read is not there. */
export const readProject = (
  folder: string,
  node: string
): Effect.Effect<Project, never, FileSystem.FileSystem | Path.Path> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path

    const versionAt = (place: string): Effect.Effect<string | undefined> =>
      fs.readFileString(path.join(place, "package.json")).pipe(
        Effect.map((text) => parseObject(text)?.["version"]),
        Effect.map((version) => typeof version === "string" ? version : undefined),
        Effect.orElseSucceed(() => undefined)
      )
    const entries = (place: string): Effect.Effect<ReadonlyArray<string>> =>
      Effect.orElseSucceed(fs.readDirectory(place), () => [])

    /** `node_modules` of the folder and of the folders above it, the nearest first. */
    const roots: Array<string> = []
    for (let here = path.resolve(folder);; here = path.dirname(here)) {
      roots.push(path.join(here, "node_modules"))
      if (path.dirname(here) === here) break
    }
    const nearest = (name: string): Effect.Effect<string | undefined> =>
      Effect.reduce(roots, undefined as string | undefined, (found, root) =>
        found === undefined ? versionAt(path.join(root, name)) : Effect.succeed(found))

    /** A copy that npm has nested in a package, or pnpm keeps beside the others. */
    const copiesIn = (root: string): Effect.Effect<ReadonlyArray<string | undefined>> =>
      Effect.gen(function*() {
        const names = yield* entries(root)
        const scoped = yield* Effect.forEach(
          names.filter((name) =>
            name.startsWith("@")
          ),
          (scope) => Effect.map(entries(path.join(root, scope)), (inner) => inner.map((name) => path.join(scope, name)))
        )
        const stores = (yield* entries(path.join(root, ".pnpm"))).filter((name) => name.startsWith("effect@"))
        const places = [
          path.join(root, "effect"),
          ...[...names, ...scoped.flat()].map((name) => path.join(root, name, "node_modules", "effect")),
          ...stores.map((name) => path.join(root, ".pnpm", name, "node_modules", "effect"))
        ]
        return yield* Effect.forEach(places, versionAt, { concurrency: 16 })
      })

    const packages = yield* Effect.forEach(looked, (name) =>
      Effect.map(nearest(name), (version) =>
        version === undefined ? [] : [{ name, version }]))
    const copies = yield* Effect.forEach(roots, copiesIn)
    return {
      node,
      own: yield* nearest(own),
      packages: packages.flat(),
      effects: copies.flat().filter((version) =>
        version !== undefined
      )
    }
  })
