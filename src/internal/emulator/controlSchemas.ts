/** The bodies of the control API, as schemas: they check what comes in, and describe the API. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SlackEmulatorFault from "../../testing/SlackEmulatorFault.js"
import type { Chain, Injection } from "../../testing/SlackEmulatorModel.js"
import * as Durations from "./durations.js"

const text = Schema.optional(Schema.String)
const texts = Schema.optional(Schema.Array(Schema.String))
const count = Schema.optional(Schema.Number)
const durationInput = Schema.Union(Schema.Number, Schema.String)

// -------------------------------------------------------------------------------------
// requests
// -------------------------------------------------------------------------------------

export const Query = Schema.Struct({ clientId: text, workspace: text, organization: text })

export const Authorize = Schema.Struct({
  ...Query.fields,
  url: text,
  scopes: texts,
  userScopes: texts,
  redirectUri: text,
  state: text,
  codeChallenge: text,
  person: text,
  withhold: texts,
  channel: text
})

export const LegacyToken = Schema.Struct({ ...Query.fields, person: text, scopes: texts })

export const Token = Schema.Struct({ token: Schema.String })

export const Id = Schema.Struct({ id: Schema.String })

export const ClientId = Schema.Struct({ clientId: text })

export const Move = Schema.Struct({ by: durationInput })

export const Event = Schema.Struct({
  ...Query.fields,
  event: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  id: text,
  /** When it happened; now by default. */
  at: Schema.optional(Schema.DateTimeUtc)
})

/** A fault; `afterStateChange` delays it until Slack has done what was asked. */
const Fault = Schema.Struct({
  type: Schema.Literal(
    "code",
    "rateLimited",
    "serverError",
    "text",
    "delay",
    "cutBeforeReading",
    "cutAfterStateChange",
    "cutInBody"
  ),
  /** For `code`. */
  code: text,
  messages: texts,
  needed: texts,
  provided: texts,
  /** For `rateLimited`. */
  retryAfter: Schema.optional(durationInput),
  /** For `serverError`. */
  status: count,
  /** For `text`. */
  body: text,
  /** For `delay`. */
  duration: Schema.optional(durationInput),
  afterStateChange: Schema.optional(Schema.Boolean)
})

export const Inject = Schema.Struct({
  faults: Schema.Array(Fault),
  methods: texts,
  times: count,
  share: count
})

type Problem = { readonly error: string; readonly message: string }

export const invalid = (message: string): Effect.Effect<never, Problem> =>
  Effect.fail({ error: "invalid_arguments", message })

const toFault = (fault: typeof Fault.Type): Effect.Effect<SlackEmulatorFault.Fault, Problem> => {
  const retryAfter = Durations.parse(fault.retryAfter ?? 0)
  const duration = Durations.parse(fault.duration ?? 0)
  if (Option.isNone(retryAfter) || Option.isNone(duration)) {
    return invalid("retryAfter and duration have to be durations, such as \"30 seconds\", or milliseconds.")
  }
  switch (fault.type) {
    case "code":
      return fault.code === undefined
        ? invalid("The fault has no code, such as \"invalid_code\".")
        : Effect.succeed(SlackEmulatorFault.code(fault.code, fault))
    case "rateLimited":
      return Effect.succeed(
        SlackEmulatorFault.rateLimited(fault.retryAfter === undefined ? {} : { retryAfter: retryAfter.value })
      )
    case "serverError":
      return Effect.succeed(SlackEmulatorFault.serverError(fault.status))
    case "text":
      return Effect.succeed(SlackEmulatorFault.text(fault.body))
    case "delay":
      return Effect.succeed(SlackEmulatorFault.delay(duration.value))
    case "cutBeforeReading":
      return Effect.succeed(SlackEmulatorFault.cutBeforeReading)
    case "cutAfterStateChange":
      return Effect.succeed(SlackEmulatorFault.cutAfterStateChange)
    case "cutInBody":
      return Effect.succeed(SlackEmulatorFault.cutInBody)
  }
}

export const toInjection = (
  { faults, methods, share, times }: typeof Inject.Type
): Effect.Effect<Injection, Problem> =>
  Effect.map(
    Effect.forEach(faults, (fault) =>
      Effect.map(toFault(fault), (made) =>
        fault.afterStateChange === true ? SlackEmulatorFault.afterStateChange(made) : made)),
    (fault): Injection => ({ fault, method: methods, share, times })
  )

// -------------------------------------------------------------------------------------
// answers
// -------------------------------------------------------------------------------------

export const Done = Schema.Struct({ ok: Schema.Boolean })

export const Redirected = Schema.Struct({ url: Schema.String, code: text })

export const Now = Schema.Struct({ now: Schema.DateTimeUtc })

export const App = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  clientId: Schema.String,
  clientSecret: Schema.String,
  signingSecret: Schema.String,
  redirectUris: Schema.Array(Schema.String),
  rotation: Schema.Boolean,
  pkce: Schema.Boolean
})

export const CallView = Schema.Struct({
  at: Schema.DateTimeUtc,
  method: Schema.String,
  grantType: text,
  clientId: text,
  authentication: Schema.String,
  parameters: Schema.Record({ key: Schema.String, value: Schema.String }),
  secretInUrl: Schema.Boolean,
  result: Schema.String,
  fault: text
})

export const ChainView = Schema.Struct({
  number: Schema.Number,
  appId: Schema.String,
  kind: Schema.String,
  target: Schema.String,
  person: text,
  scopes: Schema.Array(Schema.String),
  generations: Schema.Number,
  refreshes: Schema.Number,
  replays: Schema.Number,
  liveAccessTokens: Schema.Array(Schema.String),
  liveRefreshTokens: Schema.Array(Schema.String),
  ended: text
})

/** The tokens in the clear: a test in another language asks which of its tokens work. */
export const chainView = (chain: Chain): typeof ChainView.Type => ({
  ...chain,
  person: Option.getOrUndefined(chain.person),
  liveAccessTokens: chain.liveAccessTokens.map(Redacted.value),
  liveRefreshTokens: chain.liveRefreshTokens.map(Redacted.value),
  ended: Option.getOrUndefined(chain.ended)
})

export const ReplayView = Schema.Struct({
  at: Schema.DateTimeUtc,
  what: Schema.String,
  label: Schema.String,
  honoured: Schema.Boolean
})

export const DeliveryView = Schema.Struct({
  id: Schema.String,
  appId: Schema.String,
  type: Schema.String,
  body: Schema.String,
  state: Schema.String,
  attempts: Schema.Array(Schema.Struct({
    at: Schema.DateTimeUtc,
    retry: Schema.Number,
    problem: text,
    status: count,
    answer: Schema.String
  }))
})

export const FaultView = Schema.Struct({
  fault: Schema.String,
  methods: texts,
  /** Absent if there is no limit. */
  times: count,
  share: Schema.Number
})

export const Lines = Schema.Struct({ lines: Schema.Array(Schema.String) })
