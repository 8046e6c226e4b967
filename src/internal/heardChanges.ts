/**
 * What a cache has heard of changes in its store, by the ids of rows. Every change has a number. What was read before a
 * change of its row is outdated.
 */

/** How many rows are remembered with the number of their last change. */
const most = 10_000

export interface HeardChanges {
  /** The number of the last change. What is read from now on has this version. */
  readonly version: () => number
  /** A row was changed, or may have been. */
  readonly record: (id: string) => void
  /** Whether one of these rows was changed since a version. */
  readonly since: (version: number, ids: ReadonlyArray<string>) => boolean
}

export const make = (): HeardChanges => {
  const changes = new Map<string, number>()
  let last = 0
  /** The last change of a row that is not remembered any more. */
  let forgotten = 0
  return {
    version: () => last,
    record: (id) => {
      changes.delete(id)
      changes.set(id, ++last)
      if (changes.size <= most) return
      for (const [oldest, change] of changes) {
        forgotten = change
        changes.delete(oldest)
        return
      }
    },
    since: (version, ids) =>
      version < last && (version < forgotten || ids.some((id) => (changes.get(id) ?? 0) > version))
  }
}
