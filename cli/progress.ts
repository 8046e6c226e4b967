/** A progress bar for people, on stderr, and nothing where nobody watches. */
import * as Effect from "effect/Effect"

const width = 30

export interface Progress {
  readonly show: (done: number, words: string) => Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

/** Without a total the bar only counts. */
export const make = (total?: number): Progress => {
  const { isTTY } = process.stderr
  const line = (done: number, words: string) => {
    if (total === undefined || total === 0) return `${done} ${words}`
    const part = Math.min(1, done / total)
    const filled = Math.round(part * width)
    return `[${"#".repeat(filled)}${"-".repeat(width - filled)}] ${Math.floor(part * 100)} % ${done}/${total} ${words}`
  }
  const write = (text: string) =>
    Effect.sync(() => {
      if (isTTY) process.stderr.write(`\r\u001b[2K${text}`)
    })
  return { show: (done, words) => write(line(done, words)), end: write("") }
}
