/** Virtual time: what happens next happens at once, and in between nothing does. */

interface Entry {
  readonly at: number
  readonly serial: number
  act: (() => void) | undefined
}

export interface Agenda {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Does something at a time, unless the function that it returns is called before. */
  readonly at: (time: number, act: () => void) => () => void
  /** Does what is next; `false` if nothing is left until that time, which has come then. */
  readonly step: (until: number) => boolean
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.serial < b.serial)

/** An agenda, as a binary heap. Of two entries for the same time, the one that was made first comes first. */
export const make = (start: number): Agenda => {
  const heap: Array<Entry> = []
  let now = start
  let serial = 0

  const push = (entry: Entry): void => {
    let index = heap.push(entry) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(entry, heap[parent]!)) break
      heap[index] = heap[parent]!
      index = parent
    }
    heap[index] = entry
  }

  const pop = (): Entry => {
    const first = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return first
    let index = 0
    while (true) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, last)) break
      heap[index] = heap[child]!
      index = child
    }
    heap[index] = last
    return first
  }

  return {
    now: () => now,
    at: (time, act) => {
      const entry: Entry = { at: Math.max(time, now), serial: serial++, act }
      push(entry)
      return () => {
        entry.act = undefined
      }
    },
    step: (until) => {
      while (heap.length > 0 && heap[0]!.at <= until) {
        const { act, at } = pop()
        if (act === undefined) continue
        now = at
        act()
        return true
      }
      now = Math.max(now, until)
      return false
    }
  }
}
