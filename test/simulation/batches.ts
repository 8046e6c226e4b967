/** The seeds of a run. They are given out in order, so what has been given out has no gaps. */

/** Seeds that one worker lives before it asks for more. */
export interface Batch {
  readonly first: number
  readonly lives: number
}

export interface Batches {
  readonly next: () => Batch | undefined
  /** Gives out no more. A worker lives its batch to the end, so the run then has whole lives only. */
  readonly end: () => void
  /** The seeds that were given out. */
  readonly given: () => Batch
}

export const make = ({ first, isOver, lives, size }: Batch & {
  readonly size: number
  /** Whether no more are to be given out. */
  readonly isOver: () => boolean
}): Batches => {
  let given = 0
  let hasEnded = false
  return {
    next: () => {
      hasEnded ||= given >= lives || isOver()
      if (hasEnded) return undefined
      const batch = { first: first + given, lives: Math.min(size, lives - given) }
      given += batch.lives
      return batch
    },
    end: () => {
      hasEnded = true
    },
    given: () => ({ first, lives: given })
  }
}
