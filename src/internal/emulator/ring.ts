/** The latest values: when a ring is full, each new value replaces the oldest one. */

export interface Ring<A> {
  readonly size: number
  readonly values: Array<A>
  /** Where the oldest value is, once the ring is full. */
  start: number
  /** How many values were replaced. */
  dropped: number
}

export const make = <A>(size: number): Ring<A> => ({ size, values: [], start: 0, dropped: 0 })

/** Adds a value, and returns the one that it replaces. */
export const add = <A>(ring: Ring<A>, value: A): A | undefined => {
  if (ring.values.length < ring.size) {
    ring.values.push(value)
    return undefined
  }
  const oldest = ring.values[ring.start]
  ring.values[ring.start] = value
  ring.start = (ring.start + 1) % ring.size
  ring.dropped++
  return oldest
}

/** All values, oldest first. */
export const toArray = <A>({ start, values }: Ring<A>): ReadonlyArray<A> =>
  start === 0 ? values.slice() : [...values.slice(start), ...values.slice(0, start)]

export const clear = (ring: Ring<unknown>): void => {
  ring.values.splice(0)
  ring.start = 0
  ring.dropped = 0
}
