/** Makes a life that breaks a promise as short as it can be. */
import { type Life, live } from "./life.js"
import { day, hour, type Plan } from "./plan.js"

/** Each way to take one thing out of a list. */
const without = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  items.map((_, index) => items.filter((_, other) => other !== index))

const withStorm = (plan: Plan, index: number, change: Partial<Plan["storms"][number]>): Plan => ({
  ...plan,
  storms: plan.storms.map((storm, other) => other === index ? { ...storm, ...change } : storm)
})

/** Plans that are simpler than this one, the simplest first. */
const simpler = function*(plan: Plan, days: number): Generator<Plan> {
  const { storms } = plan
  if (days < plan.days) yield { ...plan, days, storms: storms.filter(({ at }) => at < days * day) }
  if (storms.length > 3) {
    const half = Math.floor(storms.length / 2)
    yield { ...plan, storms: storms.slice(half) }
    yield { ...plan, storms: storms.slice(0, half) }
  }
  for (const fewer of without(storms)) yield { ...plan, storms: fewer }
  if (plan.readEvery < 1e6) yield { ...plan, readEvery: 1e6 }
  if (plan.sweepEvery.some((every) => every > 0)) {
    yield { ...plan, sweepEvery: plan.clocks.map(() => 0) }
  }
  for (const [index, { mishaps, visits }] of storms.entries()) {
    for (const fewer of without(mishaps)) yield withStorm(plan, index, { mishaps: fewer })
    for (const fewer of without(visits)) yield withStorm(plan, index, { visits: fewer })
  }
  const isTrue = { ahead: 0, drift: 0 }
  if ([plan.storeClock, ...plan.clocks].some(({ ahead, drift }) => ahead !== 0 || drift !== 0)) {
    yield { ...plan, storeClock: isTrue, clocks: plan.clocks.map(() => isTrue) }
  }
  const workspaces = Array.from(new Set(plan.credentials.map(({ workspace }) => workspace)))
  for (const workspace of workspaces.slice(1)) {
    const credentials = plan.credentials.filter((credential) => credential.workspace !== workspace)
    const indexOf = (index: number) => credentials.indexOf(plan.credentials[index]!)
    if (storms.some(({ credential }) => indexOf(credential) < 0)) continue
    yield { ...plan, credentials, storms: storms.map((storm) => ({ ...storm, credential: indexOf(storm.credential) })) }
  }
}

/** Shortens the plan of a life until nothing can be left out, or so many lives were tried. */
export const shrink = (first: Plan, tries = 400): { readonly plan: Plan; readonly life: Life } => {
  let plan = first
  let life = live(plan)
  const rule = life.violation?.rule
  let left = tries
  search: while (left > 0) {
    const days = Math.ceil((life.endedAt - life.startedAt) / hour) / 24
    for (const candidate of simpler(plan, days)) {
      if (left-- <= 0) break search
      const shorter = live(candidate)
      if (shorter.violation?.rule !== rule) continue
      plan = candidate
      life = shorter
      continue search
    }
    break
  }
  return { plan, life }
}
