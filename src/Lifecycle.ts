/**
 * Applies Slack's events to stored installations: `app_uninstalled` removes the installation, `tokens_revoked` removes
 * the credentials that it names.
 *
 * Slack delivers events late, twice, and in any order. So an event removes only what is older than the event: its
 * `event_time` is compared with the time of the install, in one atomic step of the store. An uninstall that arrives after
 * a reinstall changes nothing, and neither does an event that arrives a second time.
 *
 * @see https://docs.slack.dev/reference/events/app_uninstalled
 * @see https://docs.slack.dev/reference/events/tokens_revoked
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Installation from "./Installation.js"
import { bounded, InstallationStore, type InstallationStoreError } from "./InstallationStore.js"
import { decoder, maybe, where } from "./internal/effect/schemas.js"
import { isStorable } from "./internal/rowId.js"

// -------------------------------------------------------------------------------------
// events
// -------------------------------------------------------------------------------------

/** An id that can be part of a key. */
const Id = where(Schema.String, isStorable)

const list = maybe(Schema.Array(Id))

/**
 * The envelope of the Events API around both events, with the fields that are used here.
 *
 * @see https://docs.slack.dev/apis/events-api/#callback-field
 * @since 0.1.0
 * @category schemas
 */
export const Envelope = Schema.Struct({
  type: Schema.Literal("event_callback"),
  api_app_id: where(Id, (id) => id !== ""),
  team_id: maybe(Id),
  enterprise_id: maybe(Id),
  is_enterprise_install: maybe(Schema.Boolean),
  authorizations: maybe(Schema.Array(Schema.Struct({
    team_id: maybe(Id),
    enterprise_id: maybe(Id),
    is_enterprise_install: maybe(Schema.Boolean)
  }))),
  /** Seconds since 1970. */
  event_time: where(Schema.Int, (seconds) => seconds >= 0 && seconds <= 8_640_000_000_000),
  event: Schema.Union(
    Schema.Struct({ type: Schema.Literal("app_uninstalled") }),
    Schema.Struct({
      type: Schema.Literal("tokens_revoked"),
      /** Ids of people and of bots; Slack does not say which tokens they were. */
      tokens: Schema.Struct({ oauth: list, bot: list })
    })
  )
})

/**
 * The envelope of the Events API around both events.
 *
 * @since 0.1.0
 * @category models
 */
export type Envelope = typeof Envelope.Type

/**
 * The event does not have the form that Slack documents. `paths` says where, and never contains a value. If `paths` is
 * empty, the body is not a JSON object: it may be text that was not parsed.
 *
 * @since 0.1.0
 * @category errors
 */
export class LifecycleMalformedEvent extends Schema.TaggedError<LifecycleMalformedEvent>()("LifecycleMalformedEvent", {
  event: Schema.String,
  paths: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return this.paths.length === 0
      ? "The body of the event is not a JSON object. Parse the body of the request as JSON first."
      : `The ${this.event} event does not have the form that Slack documents. Look at ${this.paths.join(", ")}.`
  }
}

/**
 * What an event changed.
 *
 * - `Removed`: these credentials, or the whole installation, were removed
 * - `Unchanged`: nothing that is older than the event is stored: the event is late or repeated, or not about an
 *   installation here
 * - `NotOurs`: the event is of another type, and the store was not asked
 *
 * @since 0.1.0
 * @category models
 */
export type Outcome = Data.TaggedEnum<{
  Removed: {
    readonly installation: Installation.InstallationKey
    /** Empty if the whole installation was removed. */
    readonly credentials: ReadonlyArray<Installation.CredentialKey>
  }
  Unchanged: { readonly installation: Installation.InstallationKey }
  NotOurs: {}
}>

/**
 * Makes and matches an {@link Outcome}.
 *
 * @since 0.1.0
 * @category constructors
 */
export const Outcome = Data.taggedEnum<Outcome>()

// -------------------------------------------------------------------------------------
// reading
// -------------------------------------------------------------------------------------

const Headline = Schema.Struct({
  type: Schema.Literal("event_callback"),
  event: Schema.Struct({ type: Schema.Literal("app_uninstalled", "tokens_revoked") })
})

const readHeadline = Schema.decodeUnknownOption(Headline)

const readEnvelope = decoder(Envelope)

/** The installation that an event belongs to: that of the first authorization, or of the envelope if there is none. */
const keyOf = (envelope: Envelope): Option.Option<Installation.InstallationKey> => {
  const place = envelope.authorizations?.[0] ?? envelope
  const isOrganization = typeof place.team_id === "string" && place.team_id === place.enterprise_id
  const organization = place.is_enterprise_install === true || isOrganization
  const id = organization ? place.enterprise_id ?? envelope.enterprise_id : place.team_id ?? envelope.team_id
  return id === null || id === undefined || id === ""
    ? Option.none()
    : Option.some(
      organization
        ? Installation.organization(envelope.api_app_id, id)
        : Installation.workspace(envelope.api_app_id, id)
    )
}

interface Reading {
  readonly key: Installation.InstallationKey
  readonly at: DateTime.Utc
  /** The credentials to remove; none stands for the whole installation. */
  readonly credentials: Option.Option<ReadonlyArray<Installation.CredentialKey>>
}

/** Excludes text, bytes, arrays, `Request`s and promises. */
const isPlainObject = (body: unknown): boolean => Object.prototype.toString.call(body) === "[object Object]"

const read = (body: unknown): Either.Either<Option.Option<Reading>, LifecycleMalformedEvent> => {
  if (!isPlainObject(body)) return Either.left(new LifecycleMalformedEvent({ event: "unknown", paths: [] }))
  const headline = readHeadline(body)
  if (Option.isNone(headline)) return Either.right(Option.none())
  const event = headline.value.event.type
  const malformed = (paths: ReadonlyArray<string>) => Either.left(new LifecycleMalformedEvent({ event, paths }))

  const envelope = readEnvelope(body)
  if (Either.isLeft(envelope)) return malformed(envelope.left)
  const key = keyOf(envelope.right)
  if (Option.isNone(key)) return malformed(["team_id"])
  const { event: detail, event_time: seconds } = envelope.right
  return Either.right(Option.some({
    key: key.value,
    at: DateTime.unsafeMake(seconds * 1000),
    credentials: detail.type === "app_uninstalled"
      ? Option.none()
      : Option.some([
        ...(detail.tokens.bot ?? []).slice(0, 1).map(() => Installation.botKey(key.value)),
        ...(detail.tokens.oauth ?? []).map((userId) => Installation.userKey(key.value, userId))
      ])
  }))
}

// -------------------------------------------------------------------------------------
// applying
// -------------------------------------------------------------------------------------

/**
 * Applies the body of an Events API request to the store. Check Slack's signature first: this function does not.
 *
 * It accepts events of every type; those of other types are `NotOurs`. Answer the request with 200 after any outcome, and
 * with 5xx after an `InstallationStoreError`, so that Slack sends the event again.
 *
 * `event_time` has whole seconds of Slack's clock. It is compared with this machine's clock at the install, so this clock
 * has to be right (NTP). An event in the same second as the install changes nothing. If the credential was revoked, the
 * next call with it shows that.
 *
 * @example
 * ```ts
 * import { Effect } from "effect"
 * import { InstallationStore, Lifecycle } from "effect-slack-oauth"
 *
 * const program = Lifecycle.handle({
 *   type: "event_callback",
 *   api_app_id: "A0EXAMPLE",
 *   team_id: "T0EXAMPLE",
 *   event_time: 1767225600,
 *   event: { type: "app_uninstalled" }
 * })
 *
 * Effect.runPromise(Effect.provide(program, InstallationStore.layerMemory)).then(({ _tag }) => console.log(_tag)) // "Unchanged"
 * ```
 *
 * @since 0.1.0
 * @category operations
 */
export const handle = (
  body: unknown
): Effect.Effect<Outcome, LifecycleMalformedEvent | InstallationStoreError, InstallationStore> =>
  Effect.gen(function*() {
    const reading = yield* read(body)
    if (Option.isNone(reading)) return Outcome.NotOurs()
    const { at, credentials, key } = reading.value
    const store = bounded(yield* InstallationStore)

    if (Option.isNone(credentials)) {
      return (yield* store.remove(key, { installedBefore: at }))
        ? Outcome.Removed({ installation: key, credentials: [] })
        : Outcome.Unchanged({ installation: key })
    }
    const removed = yield* Effect.filter(
      credentials.value,
      (credential) => store.removeCredential(credential, { issuedBefore: at })
    )
    return removed.length > 0
      ? Outcome.Removed({ installation: key, credentials: removed })
      : Outcome.Unchanged({ installation: key })
  })
