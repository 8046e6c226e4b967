/** Chance that follows from a seed: the same numbers on every machine, whatever version of Effect runs. */

export interface Dice {
  /** From 0 to 1, without 1. */
  readonly next: () => number
  /** A whole number from `least` to `most`, both included. */
  readonly between: (least: number, most: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(items: ReadonlyArray<A>) => A
  /** Picks by weight. */
  readonly weigh: <A>(items: ReadonlyArray<readonly [weight: number, item: A]>) => A
}

/** A number from a text (FNV-1a). */
export const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  return value >>> 0
}

/** Dice for one purpose under a seed (mulberry32). Dice for another purpose give other numbers. */
export const make = (seed: number, purpose: string): Dice => {
  let state = hash(`${seed} ${purpose}`)
  const next = () => {
    state = (state + 0x6D2B79F5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const weigh: Dice["weigh"] = (items) => {
    let left = next() * items.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, item] of items) {
      left -= weight
      if (left < 0) return item
    }
    return items[items.length - 1]![1]
  }
  return {
    next,
    between: (least, most) => least + Math.floor(next() * (most - least + 1)),
    chance: (probability) => next() < probability,
    pick: (items) => items[Math.floor(next() * items.length)]!,
    weigh
  }
}
