/**
 * The part of an installation that is no secret, as JSON. Each install writes it, so it is written by hand: a schema takes
 * several times as long.
 */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Installation } from "../../Installation.js"
import { Organization, type Party, Workspace } from "../../TokenResponse.js"

export type Details = Pick<Installation, "target" | "installedBy">

/** JSON leaves out what is undefined. */
const partyOf = ({ id, name }: Party) => ({ id, name: Option.getOrUndefined(name) })

const targetOf = (target: Details["target"]) =>
  target._tag === "Workspace"
    ? {
      team: partyOf(target.team),
      enterprise: Option.isNone(target.enterprise) ? undefined : partyOf(target.enterprise.value),
      _tag: target._tag
    }
    : { enterprise: partyOf(target.enterprise), _tag: target._tag }

/** `{"target":{"team":{"id":"T…"},"_tag":"Workspace"},"installedBy":"U…"}`, or `null` for nobody. */
export const encode = ({ installedBy, target }: Details): string =>
  JSON.stringify({ target: targetOf(target), installedBy: Option.getOrNull(installedBy) })

/** Reads what {@link encode} writes; none for any other text. */
export const decode: (text: unknown) => Option.Option<Details> = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Struct({
    target: Schema.Union(Workspace, Organization),
    installedBy: Schema.OptionFromNullOr(Schema.String)
  }))
)
