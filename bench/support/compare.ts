/**
 * Side-by-side measurements: all candidates take turns in one process and one run, in an order that changes from round
 * to round, so that what disturbs the machine disturbs them alike. What counts is the ratio within a round.
 */

export interface Candidate {
  readonly name: string
  /** Does the work `times` times. */
  readonly run: (times: number) => Promise<unknown> | unknown
}

export interface Options {
  readonly rounds?: number
  /** How many pieces of work a candidate does in its turn. */
  readonly times: number
}

export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export interface Row {
  readonly name: string
  /** Microseconds of wall time for one piece of work. */
  readonly wall: Spread
  /** Microseconds of this process's CPU time for one piece of work. */
  readonly cpu: Spread
  /** Wall time over that of the first candidate, round by round. */
  readonly wallRatio: Spread
  readonly cpuRatio: Spread
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

const measure = async ({ run }: Candidate, times: number) => {
  const cpu = process.cpuUsage()
  const start = process.hrtime.bigint()
  await run(times)
  const wall = Number(process.hrtime.bigint() - start) / 1000 / times
  const { system, user } = process.cpuUsage(cpu)
  return { wall, cpu: (system + user) / times }
}

/** Measures the candidates; the first is the one that the others are compared with. */
export const compare = async (
  candidates: ReadonlyArray<Candidate>,
  { rounds = 9, times }: Options
): Promise<ReadonlyArray<Row>> => {
  for (const candidate of candidates) await candidate.run(times)

  const results = candidates.map(() => [] as Array<{ readonly wall: number; readonly cpu: number }>)
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < candidates.length; turn++) {
      const index = (turn + round) % candidates.length
      results[index]!.push(await measure(candidates[index]!, times))
    }
  }

  const reference = results[0]!
  return candidates.map(({ name }, index) => ({
    name,
    wall: spread(results[index]!.map(({ wall }) => wall)),
    cpu: spread(results[index]!.map(({ cpu }) => cpu)),
    wallRatio: spread(results[index]!.map(({ wall }, round) => wall / reference[round]!.wall)),
    cpuRatio: spread(results[index]!.map(({ cpu }, round) => cpu / reference[round]!.cpu))
  }))
}
