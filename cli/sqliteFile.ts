/**
 * Checks of SQLite files before SQLite opens them, because SQLite creates a missing file, and writes to a file that it
 * opens for writing.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { dirname, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { CommandFailed } from "./CommandFailed.js"

/** An existing SQLite file. */
export interface SqliteFile {
  readonly path: string
  /** SQLite's own URI that opens the file read-only and creates no other file. */
  readonly uri: string
}

/** The path in `file:slack.db` or `file:///var/slack.db`. */
export const pathOf = (url: string): string => {
  const path = url.replace(/^file:(\/\/(?=\/))?/, "").replace(/\?.*$/, "")
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

const header = "SQLite format 3\0"

/** SQLite writes to the file and to other files in its folder, so both have to be writable. */
export const checkWritable = (url: string): Effect.Effect<void, CommandFailed, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = pathOf(url)
    const isThere = yield* Effect.orElseSucceed(fs.exists(path), () => true)
    for (const place of isThere ? [path, dirname(resolve(path))] : [dirname(resolve(path))]) {
      yield* Effect.mapError(
        fs.access(place, { writable: true }),
        () => new CommandFailed({ message: `${place} does not exist or cannot be written to. Check its permissions.` })
      )
    }
  })

/** The SQLite file of a URL, if it exists. */
export const find = (
  url: string
): Effect.Effect<Option.Option<SqliteFile>, CommandFailed, FileSystem.FileSystem> =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = pathOf(url)
    const failed = (problem: string) => new CommandFailed({ message: `${path} ${problem}` })

    const unreadable = () => failed("cannot be read. Check the permissions of its folder.")
    if (!(yield* Effect.mapError(fs.exists(path), unreadable))) return Option.none()
    const { type } = yield* Effect.mapError(fs.stat(path), unreadable)
    if (type !== "File") return yield* failed("is not a file.")

    const start = yield* Effect.scoped(Effect.flatMap(fs.open(path), (file) => file.readAlloc(100))).pipe(
      Effect.mapError(() => failed("cannot be read. Check its permissions.")),
      // An empty file is an empty database.
      Effect.map(Option.getOrElse(() => new Uint8Array()))
    )
    if (start.length > 0 && new TextDecoder().decode(start.subarray(0, header.length)) !== header) {
      return yield* failed("is not a SQLite database. Check the path.")
    }

    // https://sqlite.org/fileformat.html#file_format_version_numbers
    const usesLog = start[18] === 2
    const hasLog = yield* Effect.match(fs.stat(`${path}-wal`), {
      onFailure: () => false,
      onSuccess: ({ size }) => size > 0
    })
    // A reader creates the files of the write-ahead log if they are missing, unless the file is opened as immutable.
    const mode = usesLog && !hasLog ? "immutable=1" : "mode=ro"
    return Option.some({ path, uri: `${pathToFileURL(resolve(path)).href}?${mode}` })
  })
