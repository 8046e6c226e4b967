/** A progress bar on stderr, if stderr is a terminal. */
import * as Effect from "effect/Effect"

const width = 30

export interface Progress {
  readonly show: (done: number, words: string) => Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

/** The bar, with what is done. Without a total it is only the count. */
export const lineOf = (total: number | undefined, done: number, words: string): string => {
  if (total === undefined || total === 0) return `${done} ${words}`
  const part = Math.min(1, done / total)
  const filled = Math.round(part * width)
  return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${Math.floor(part * 100)} % ${done}/${total} ${words}`
}

/** A progress bar. Without a total it shows only the count. */
export const make = (total?: number): Progress => {
  const { isTTY } = process.stderr
  const write = (text: string) =>
    Effect.sync(() => {
      if (isTTY) process.stderr.write(`\r\u001b[2K${text}`)
    })
  return { show: (done, words) => write(lineOf(total, done, words)), end: write("") }
}
