/** How much time a piece of work spends in the code of each package, by V8's sampling profiler. */
import { type Profiler, Session } from "node:inspector/promises"

export const owners = [
  "waiting for the server",
  "native code, sockets most of all",
  "garbage collection",
  "Node's own modules",
  "undici",
  "effect",
  "@effect/platform",
  "this package",
  "other packages"
] as const

export type Owner = typeof owners[number]

const ownerOf = ({ functionName, url }: Profiler.ProfileNode["callFrame"]): Owner => {
  if (functionName === "(idle)") return "waiting for the server"
  if (functionName === "(garbage collector)") return "garbage collection"
  if (url.includes("undici")) return "undici"
  if (url.startsWith("node:")) return "Node's own modules"
  if (url.includes("/node_modules/effect/")) return "effect"
  if (url.includes("/node_modules/@effect/")) return "@effect/platform"
  if (url.includes("/node_modules/")) return "other packages"
  return url.includes("/dist/") ? "this package" : "native code, sockets most of all"
}

/** Repeats the work, and returns how many microseconds of one piece each package took. */
export const profile = async (
  times: number,
  once: () => Promise<unknown>
): Promise<Readonly<Record<Owner, number>>> => {
  const session = new Session()
  session.connect()
  await session.post("Profiler.enable")
  await session.post("Profiler.setSamplingInterval", { interval: 100 })
  await session.post("Profiler.start")
  for (let index = 0; index < times; index++) await once()
  const { profile: { nodes, samples = [], timeDeltas = [] } } = await session.post("Profiler.stop")
  session.disconnect()

  const frames = new Map(nodes.map(({ callFrame, id }) => [id, callFrame]))
  const took = Object.fromEntries(owners.map((owner) => [owner, 0])) as Record<Owner, number>
  samples.forEach((id, index) => {
    const frame = frames.get(id)!
    // The profiler's own call, which is native: undici has a function of this name.
    if (frame.functionName !== "dispatch" || frame.url !== "") took[ownerOf(frame)] += timeDeltas[index]! / times
  })
  return took
}
