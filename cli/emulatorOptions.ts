/**
 * The options of `effect-slack-oauth emulator`, and what the emulator starts with because of them.
 */
import * as FileSystem from "@effect/platform/FileSystem"
import type * as SlackEmulator from "effect-slack-oauth/testing/SlackEmulator"
import * as SlackEmulatorSeed from "effect-slack-oauth/testing/SlackEmulatorSeed"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { parseObject } from "../src/internal/unknown.js"
import { CommandFailed } from "./CommandFailed.js"
import type * as Command from "./effect/command.js"
import * as Options from "./effect/options.js"

// -------------------------------------------------------------------------------------
// options
// -------------------------------------------------------------------------------------

const duration = (name: string, description: string) =>
  Options.text(name).pipe(
    Options.filterMap(
      (text) => Duration.decodeUnknown(text as Duration.DurationInput),
      `--${name} has to be a duration, such as "90 seconds" or "12 hours"`
    ),
    Options.optional,
    Options.withDescription(description)
  )

/** A method and its answer. */
const toMethod = (text: string): Option.Option<readonly [string, SlackEmulator.MethodHandler]> => {
  const [, name = "", , json] = /^([\w.]+)(=(.*))?$/s.exec(text) ?? []
  const answer = json === undefined ? Option.some({}) : Option.fromNullable(parseObject(json))
  return Option.map(name === "" ? Option.none() : answer, (answer) => [name, { answer }])
}

export const options = {
  port: Options.integer("port").pipe(
    Options.withDefault(4000),
    Options.filterMap(
      (port) => port >= 0 && port <= 65_535 ? Option.some(port) : Option.none(),
      "--port has to be a number from 0 to 65535"
    ),
    Options.withDescription("The port to listen on; 0 for any free port. The default is 4000.")
  ),
  host: Options.text("host").pipe(
    Options.withDefault("127.0.0.1"),
    Options.withDescription(
      "The address to listen on. The default is 127.0.0.1, which only this machine can reach. With another address, " +
        "everyone who can reach it can take tokens."
    )
  ),
  clientId: Options.text("client-id").pipe(
    Options.optional,
    Options.withDescription("The client id of the emulated app. By default the emulator chooses one.")
  ),
  clientSecret: Options.redacted("client-secret").pipe(
    Options.optional,
    Options.withDescription("The client secret of the emulated app. By default the emulator chooses one.")
  ),
  redirectUris: Options.text("redirect-uri").pipe(
    Options.repeated,
    Options.withDescription(
      "A redirect URL that the app lists, with its port; can be repeated. The default is https://example.com, " +
        "http://localhost:3000 and http://127.0.0.1:3000."
    )
  ),
  apps: Options.text("app").pipe(
    Options.repeated,
    Options.withDescription("An app: its name, its id, or both as A0TEA=Tea; can be repeated.")
  ),
  organizations: Options.text("organization").pipe(
    Options.repeated,
    Options.withDescription(
      "An organization: its name, its id, or both as E0BIG=Big; can be repeated. The workspaces of this command line " +
        "belong to the first one."
    )
  ),
  workspaces: Options.text("workspace").pipe(
    Options.repeated,
    Options.withDescription("A workspace: its name, its id, or both as T0TEA=Tea; can be repeated.")
  ),
  people: Options.text("person").pipe(
    Options.withAlias("user"),
    Options.repeated,
    Options.withDescription(
      "A person who is in every workspace: their name, their id, or both as U0ADA=Ada; can be repeated."
    )
  ),
  // `Options.redacted` cannot be repeated.
  legacyTokens: Options.text("legacy-token").pipe(
    Options.repeated,
    Options.withDescription(
      "A long-lived token that exists from the start, in the first workspace; can be repeated. One that begins with xoxp- " +
        "is the first person's, every other one the bot's."
    )
  ),
  methods: Options.text("method").pipe(
    Options.repeated,
    Options.filterMap(
      (texts) => Option.all(texts.map(toMethod)),
      "--method has to be a method, such as chat.postMessage, or a method, =, and a JSON object"
    ),
    Options.withDescription(
      "A method of the Web API that the emulator answers after it has checked the token, such as chat.postMessage, or " +
        "with the answer: 'chat.postMessage={\"ts\":\"1.2\"}'; can be repeated."
    )
  ),
  eventsUrl: Options.text("events-url").pipe(
    Options.optional,
    Options.withDescription("The address of the app that gets events, such as http://localhost:3000/slack/events.")
  ),
  seed: Options.file("seed").pipe(
    Options.optional,
    Options.withDescription(
      "A file with what the emulator starts with, as JSON: see docs/emulator-server.md. Other options add to it."
    )
  ),
  noRotation: Options.boolean("no-rotation").pipe(
    Options.withDescription("Issue long-lived tokens instead of rotating ones.")
  ),
  pkce: Options.boolean("pkce").pipe(
    Options.withDescription("Let the app use PKCE, which makes it a public client.")
  ),
  accessTokenLifetime: duration(
    "access-token-lifetime",
    "How long a rotating access token works, such as \"2 minutes\". The default is 12 hours, as at Slack."
  ),
  refreshGracePeriod: duration(
    "refresh-grace-period",
    "How long a refresh token can be used again after its first use. The default is 1 minute; Slack does not document its own."
  ),
  control: Options.boolean("control").pipe(
    Options.withDescription(
      "Let programs on this machine control the emulator in JSON, below /control: install, revoke, move the clock, fail, " +
        "begin again, and ask what happened. /control shows an overview."
    )
  ),
  quiet: Options.boolean("quiet").pipe(
    Options.withAlias("q"),
    Options.withDescription("Do not print events.")
  )
}

export type Settings = Command.Given<typeof options>

// -------------------------------------------------------------------------------------
// what they mean
// -------------------------------------------------------------------------------------

/** An id, which begins with one of these letters; a name; or both. */
const toNamed = (letters: string) => {
  const idAndName = new RegExp(`^([${letters}][A-Z0-9]{2,})(?:=(.*))?$`, "s")
  return (text: string): { readonly id?: string; readonly name?: string } => {
    const [, id, name] = idAndName.exec(text) ?? []
    return id === undefined ? { name: text } : { id, ...(name ? { name } : undefined) }
  }
}

/** Options add to what the seed has. Without either there is the emulator's default. */
const added = <A>(seed: ReadonlyArray<A> | undefined, more: ReadonlyArray<A>): ReadonlyArray<A> | undefined =>
  more.length === 0 ? seed : [...seed ?? [], ...more]

export const readSeed = (file: Option.Option<string>) =>
  Option.match(file, {
    onNone: () => Effect.succeed<SlackEmulator.Options>({}),
    onSome: (path) =>
      Effect.flatMap(FileSystem.FileSystem, (files) => files.readFileString(path)).pipe(
        Effect.mapError(() =>
          new CommandFailed({ message: `The seed ${path} cannot be read. Check its permissions.` })
        ),
        Effect.flatMap((text) =>
          Effect.mapError(
            SlackEmulatorSeed.parse(text),
            ({ message }) => new CommandFailed({ message: `${path}: ${message}` })
          )
        )
      )
  })

export const toEmulatorOptions = (settings: Settings, seed: SlackEmulator.Options): SlackEmulator.Options => {
  const [first = {}, ...others]: ReadonlyArray<SlackEmulator.AppOptions> = [
    ...seed.apps ?? [],
    ...settings.apps.map(toNamed("A"))
  ]
  // The first one has an id, which the workspaces name.
  const organizations = settings.organizations.map(toNamed("E")).map((organization, index) =>
    index === 0 ? { id: "E0EMULATED1", ...organization } : organization
  )
  const people = added<SlackEmulator.PersonOptions>(seed.people, settings.people.map(toNamed("UW")))
  const person = people?.[0]?.id ?? "U0EMULATED"
  return {
    ...seed,
    apps: [{
      ...first,
      clientId: Option.getOrElse(settings.clientId, () => first.clientId),
      clientSecret: Option.getOrElse(settings.clientSecret, () => first.clientSecret),
      redirectUris: settings.redirectUris.length === 0 ? first.redirectUris : settings.redirectUris,
      rotation: settings.noRotation ? false : first.rotation,
      pkce: settings.pkce ? true : first.pkce,
      events: Option.getOrElse(settings.eventsUrl, () => first.events)
    }, ...others],
    organizations: added(seed.organizations, organizations),
    workspaces: added(
      seed.workspaces,
      settings.workspaces.map(toNamed("T")).map((workspace) => ({ ...workspace, organization: organizations[0]?.id }))
    ),
    people,
    tokens: added(
      seed.tokens,
      settings.legacyTokens.map((accessToken) => ({
        accessToken,
        ...(accessToken.startsWith("xoxp-") ? { person } : undefined)
      }))
    ),
    methods: { ...seed.methods, ...Object.fromEntries(settings.methods) },
    accessTokenLifetime: Option.getOrElse(settings.accessTokenLifetime, () => seed.accessTokenLifetime),
    refreshGracePeriod: Option.getOrElse(settings.refreshGracePeriod, () => seed.refreshGracePeriod)
  }
}
