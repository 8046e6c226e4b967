/**
 * Side-by-side measurements: all candidates take turns in one process and one run, in an order that changes from round
 * to round, so that other load on the machine affects all of them alike. The result is the ratio within a round.
 */

/** Throws if the work was not done. */
export type Check = () => void | Promise<void>

export interface Candidate {
  readonly name: string
  /** Instead of the number for all. */
  readonly times?: number
  /**
   * Prepares `times` pieces of work, and returns a function that does them. Only this function is measured, and not the
   * check that it returns.
   */
  readonly prepare: (times: number) => (() => Promise<Check> | Check) | Promise<() => Promise<Check> | Check>
}

export interface Options {
  readonly rounds?: number
  /** How many turns each candidate takes before the rounds, so that V8 has compiled its code. */
  readonly warmUp?: number
  /** How many pieces of work a candidate does in each round. */
  readonly times: number
}

export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

interface Sample {
  readonly wall: number
  readonly cpu: number
}

export interface Row {
  readonly name: string
  /** For each round the microseconds, of wall time and of this process's CPU, that one piece of work took. */
  readonly samples: ReadonlyArray<Sample>
}

const quantile = (sorted: ReadonlyArray<number>, q: number): number => {
  const position = (sorted.length - 1) * q
  const below = sorted[Math.floor(position)]!
  return below + (sorted[Math.ceil(position)]! - below) * (position - Math.floor(position))
}

/** The median, and the quartiles around it. */
export const spread = (values: ReadonlyArray<number>): Spread => {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75) }
}

const measure = async ({ prepare }: Candidate, times: number): Promise<Sample> => {
  const work = await prepare(times)
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  const check = await work()
  const wall = Number(process.hrtime.bigint() - start) / 1000 / times
  const { system, user } = process.cpuUsage(cpu)
  await check()
  return { wall, cpu: (system + user) / times }
}

/**
 * The numbers below `length` in a random order: with a fixed one, the same candidate would always pay for another's
 * garbage.
 */
const shuffled = (length: number): ReadonlyArray<number> =>
  Array.from({ length }, (_, index) => ({ index, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ index }) => index)

/** Measures the candidates, after some turns to warm up. */
export const compare = async (
  candidates: ReadonlyArray<Candidate>,
  { rounds = 9, times, warmUp = 1 }: Options
): Promise<ReadonlyArray<Row>> => {
  for (let turn = 0; turn < warmUp; turn++) {
    for (const candidate of candidates) await measure(candidate, candidate.times ?? times)
  }

  const rows = candidates.map(({ name }) => ({ name, samples: [] as Array<Sample> }))
  for (let round = 0; round < rounds; round++) {
    for (const index of shuffled(candidates.length)) {
      const candidate = candidates[index]!
      rows[index]!.samples.push(await measure(candidate, candidate.times ?? times))
    }
  }
  return rows
}

export const rowOf = (rows: ReadonlyArray<Row>, name: string): Row => {
  const row = rows.find((row) => row.name === name)
  if (row === undefined) throw new Error(`No candidate is called ${name}`)
  return row
}

/** Compares two rows, round by round. */
export const between = (
  rows: ReadonlyArray<Row>,
  one: string,
  other: string,
  relation: (one: Sample, other: Sample) => number
): Spread => {
  const others = rowOf(rows, other).samples
  return spread(rowOf(rows, one).samples.map((sample, round) => relation(sample, others[round]!)))
}

/** By how much the wall time of one exceeds that of the other. */
export const wallRatio = (rows: ReadonlyArray<Row>, one: string, other: string): Spread =>
  between(rows, one, other, (one, other) => one.wall / other.wall)
