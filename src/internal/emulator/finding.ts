/** Finds what a test or a seed names: apps, targets and people. */
import type { InstallationQuery } from "../../testing/SlackEmulatorModel.js"
import type * as World from "./world.js"

/** A test or a seed contradicts itself; `place` is the part of the description that does, such as `.redirectUris[0]`. */
export class Mistake extends Error {
  constructor(message: string, readonly place = "") {
    super(message)
  }
}

const first = <A>(map: ReadonlyMap<string, A>): A | undefined => map.values().next().value

/** If something does not exist, the test or the seed has a mistake: the error names it. */
export const found = <A>(value: A | undefined, what: string): A => {
  if (value === undefined) throw new Mistake(`SlackEmulator: there is no ${what}. Check its id, or create it first.`)
  return value
}

/** Ids exist once. */
export const checkNew = (ids: { readonly has: (id: string) => boolean }, id: string, what: string): void => {
  if (ids.has(id)) throw new Mistake(`SlackEmulator: the ${what} ${id} exists twice. Choose another id.`)
}

/** An app by its client id, or the first app. */
export const findApp = (world: World.World, clientId: string | undefined): World.App =>
  clientId === undefined ? found(first(world.apps), "app") : found(world.apps.get(clientId), `app ${clientId}`)

/** A workspace or an organization, or the first workspace. */
export const findTarget = (world: World.World, { organization, workspace }: InstallationQuery): World.Target =>
  organization !== undefined
    ? {
      _tag: "Organization",
      organization: found(world.organizations.get(organization), `organization ${organization}`)
    }
    : {
      _tag: "Workspace",
      workspace: workspace === undefined
        ? found(first(world.workspaces), "workspace")
        : found(world.workspaces.get(workspace), `workspace ${workspace}`)
    }

/** A person by id, or nobody. */
export const findPerson = (world: World.World, id: string | undefined): World.Person | undefined =>
  id === undefined ? undefined : found(world.people.get(id), `person ${id}`)
