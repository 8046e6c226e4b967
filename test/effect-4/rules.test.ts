import { assert, describe, it } from "@effect/vitest"
import * as Path from "node:path"
import ts from "typescript"

const root = Path.resolve(import.meta.dirname, "../..")

/** The generator's modules are plain JavaScript. */
const load = (name: string): Promise<any> => import(/* @vite-ignore */ `../../effect-4/codemod/${name}.mjs`)
const { rules } = await load("rules")
const { left, modules } = await load("tables")
const { translateFile } = await load("translate")

interface Case {
  readonly title: string
  /** Effect 3. */
  readonly from: string
  /** Effect 4, or what cannot be translated. */
  readonly to: string | { readonly problem: RegExp }
  /** Names that Effect 4 does not export. */
  readonly missing?: ReadonlyArray<string>
}

const effect = `import * as Effect from "effect/Effect"\n`
const either = `import * as Either from "effect/Either"\n`
const schema = `import * as Schema from "effect/Schema"\n`

const cases: Readonly<Record<string, ReadonlyArray<Case>>> = {
  imports: [
    {
      title: "names a namespace as its module",
      from: `${either}export const a = Either.right(1)`,
      to: `import * as Result from "effect/Result"\nexport const a = Result.succeed(1)`
    },
    {
      title: "imports what has become one module once, for values if one of the two is for values",
      from:
        `import * as Config from "effect/Config"\nimport type * as ConfigError from "effect/ConfigError"\nexport type A = ConfigError.ConfigError\nexport const a = Config.string("a")`,
      to:
        `import * as Config from "effect/Config"\nexport type A = Config.ConfigError\nexport const a = Config.String("a")`
    },
    {
      title: "imports the modules of a barrel one by one",
      from:
        `import { Effect, Either, pipe, TestClock } from "effect"\nexport const a = pipe(Either.right(1), Effect.succeed, (b) => [b, TestClock])`,
      to:
        `import * as Effect from "effect/Effect"\nimport * as Result from "effect/Result"\nimport * as TestClock from "effect/testing/TestClock"\nimport { pipe } from "effect"\nexport const a = pipe(Result.succeed(1), Effect.succeed, (b) => [b, TestClock])`
    },
    {
      title: "refuses a name of one's own that is a namespace in Effect 4",
      from: `${either}export interface Result {}\nexport const a = Either.right(1)`,
      to: { problem: /Result is a namespace in Effect 4/ }
    },
    {
      title: "imports what takes the place of a module of this package",
      from:
        `import * as Libsql from "effect-slack-oauth/sql/Libsql"\nexport const a = Libsql.layer\nexport const b = "See effect-slack-oauth/sql/Libsql."`,
      to:
        `import * as NodeSqlite from "effect-slack-oauth/sql/NodeSqlite"\nexport const a = NodeSqlite.layer\nexport const b = "See effect-slack-oauth/sql/NodeSqlite."`
    },
    {
      title: "leaves out what is for Effect 3 only",
      from: `${effect}// Effect 3 only\nexport const a = Effect.void\nexport const b = Effect.void`,
      to: `${effect.trimEnd()}\nexport const b = Effect.void`
    },
    {
      title: "leaves out parts of a list and of an object too",
      from: `export const a = [\n  // Effect 3 only: a reason\n  1,\n  2\n]`,
      to: `export const a = [\n  2\n]`
    }
  ],
  renameMember: [
    {
      title: "renames a member, as a value and as a type",
      from:
        `import * as Duration from "effect/Duration"\nexport const a = (b: Duration.DurationInput) => Duration.decode(b)`,
      to:
        `import * as Duration from "effect/Duration"\nexport const a = (b: Duration.Input) => Duration.fromInputUnsafe(b)`
    },
    {
      title: "refuses a member that Effect 4 does not have",
      from: `${effect}export const a = Effect.never`,
      to: { problem: /effect\/Effect has no never in Effect 4/ },
      missing: ["never"]
    },
    {
      title: "refuses a member that does something else in Effect 4, and says what to write",
      from: `import * as Arr from "effect/Array"\n${either}export const a = Arr.separate([Either.right(1)])`,
      to: { problem: /write `getLefts` and `getRights`/ }
    }
  ],
  moveMember: [
    {
      title: "takes a member from another module",
      from: `${effect}export const a = Effect.makeSemaphore(1)`,
      to: `import * as Semaphore from "effect/Semaphore"\nexport const a = Semaphore.make(1)`
    },
    {
      title: "uses the import that is there, and makes it one of values",
      from:
        `import type * as Clock from "effect/Clock"\n${effect}export const a: Effect.Effect<Clock.Clock> = Effect.clock`,
      to: `import * as Clock from "effect/Clock"\n${effect}export const a: Effect.Effect<Clock.Clock> = Clock.Clock`
    },
    {
      title: "replaces a member by a text, and drops a module that is gone",
      from:
        `import * as ExecutionStrategy from "effect/ExecutionStrategy"\nexport const a = ExecutionStrategy.parallel`,
      to: `export const a = "parallel"`
    }
  ],
  contextTag: [{
    title: "puts the id of a service last",
    from: `import * as Context from "effect/Context"\nexport class A extends Context.Tag("a")<A, number>() {}`,
    to: `import * as Context from "effect/Context"\nexport class A extends Context.Service<A, number>()("a") {}`
  }],
  listArguments: [
    {
      title: "makes a list of members",
      from: `${schema}export const a = Schema.Union(Schema.String, Schema.Literal("a", "b"))`,
      to: `${schema}export const a = Schema.Union([Schema.String, Schema.Literals(["a", "b"])])`
    },
    {
      title: "takes a list that is spread as it is",
      from: `${schema}declare const b: [string, string]\nexport const a = Schema.Literal(...b)`,
      to: `${schema}declare const b: [string, string]\nexport const a = Schema.Literals(b)`
    },
    {
      title: "keeps what comes before the list",
      from: `import * as Command from "@effect/platform/Command"\nexport const a = Command.make("node", "a.js", "b")`,
      to:
        `import * as ChildProcess from "effect/process/ChildProcess"\nexport const a = ChildProcess.make("node", ["a.js", "b"])`
    },
    {
      title: "joins two schedules that are both arguments",
      from:
        `import * as Schedule from "effect/Schedule"\nexport const a = Schedule.intersect(Schedule.spaced(1), Schedule.recurs(2))`,
      to:
        `import * as Schedule from "effect/Schedule"\nexport const a = Schedule.max([Schedule.spaced(1), Schedule.recurs(2)])`
    },
    {
      title: "refuses a schedule of which one is the subject of a pipe",
      from:
        `import * as Schedule from "effect/Schedule"\nexport const a = Schedule.spaced(1).pipe(Schedule.union(Schedule.recurs(2)))`,
      to: { problem: /with both schedules as arguments/ }
    }
  ],
  recordArguments: [{
    title: "gives key and value one after the other",
    from: `${schema}export const a = Schema.Record({ key: Schema.String, value: Schema.Number })`,
    to: `${schema}export const a = Schema.Record(Schema.String, Schema.Number)`
  }],
  schemaType: [{
    title: "says that a schema has an encoded form",
    from: `${schema}export type A = Schema.Schema<Date, string>`,
    to: `${schema}export type A = Schema.Codec<Date, string>`
  }],
  initialThunk: [{
    title: "makes the initial value a thunk",
    from:
      `import * as Stream from "effect/Stream"\nexport const a = Stream.runFold(Stream.make(1), { n: 0 }, (b) => b)`,
    to:
      `import * as Stream from "effect/Stream"\nexport const a = Stream.runFold(Stream.make(1), () => ({ n: 0 }), (b) => b)`
  }],
  inheritInterruptibility: [
    {
      title: "lets a fiber inherit whether it can be interrupted",
      from: `${effect}export const a = Effect.forkDaemon(Effect.void)`,
      to: `${effect}export const a = Effect.forkDetach(Effect.void, { uninterruptible: "inherit" })`
    },
    {
      title: "does so where the fork is passed on as a function",
      from: `${effect}export const a = Effect.void.pipe(Effect.fork)`,
      to: `${effect}export const a = Effect.void.pipe(Effect.forkChild({ uninterruptible: "inherit" }))`
    },
    {
      title: "does so where the fork has its scope alone",
      from:
        `import type * as Scope from "effect/Scope"\n${effect}declare const s: Scope.Scope\nexport const a = Effect.void.pipe(Effect.forkIn(s))`,
      to:
        `import type * as Scope from "effect/Scope"\n${effect}declare const s: Scope.Scope\nexport const a = Effect.void.pipe(Effect.forkIn(s, { uninterruptible: "inherit" }))`
    }
  ],
  wrapArgument: [{
    title: "makes an error of the message",
    from: `${effect}export const a = Effect.dieMessage("no")`,
    to: `${effect}export const a = Effect.die(new Error("no"))`
  }],
  provideService: [
    {
      title: "gives one of Effect's own services, to an effect or to what it is passed to",
      from:
        `${effect}import type * as Clock from "effect/Clock"\nexport const a = (clock: Clock.Clock) => [Effect.withClock(clock), Effect.withClock(Effect.void, clock)]`,
      to:
        `${effect}import * as Clock from "effect/Clock"\nexport const a = (clock: Clock.Clock) => [Effect.provideService(Clock.Clock, clock), Effect.provideService(Effect.void, Clock.Clock, clock)]`
    },
    {
      title: "does so for a service that another module gives",
      from:
        `${effect}import * as Logger from "effect/Logger"\nimport * as LogLevel from "effect/LogLevel"\nexport const a = Effect.void.pipe(Logger.withMinimumLogLevel(LogLevel.None))`,
      to:
        `import * as References from "effect/References"\n${effect}export const a = Effect.void.pipe(Effect.provideService(References.MinimumLogLevel, "None"))`
    }
  ],
  pollFiber: [
    {
      title: "makes an effect of whether a fiber has ended",
      from:
        `import type * as Effect from "effect/Effect"\nimport type * as Fiber from "effect/Fiber"\nexport const a = (fiber: Fiber.RuntimeFiber<void>): Effect.Effect<unknown> => fiber.poll`,
      to:
        `import * as Option from "effect/Option"\nimport * as Effect from "effect/Effect"\nimport type * as Fiber from "effect/Fiber"\nexport const a = (fiber: Fiber.Fiber<void>): Effect.Effect<unknown> => Effect.sync(() => Option.fromNullishOr(fiber.pollUnsafe()))`
    }
  ],
  tagged: [
    {
      title: "gives a metric its tags as an object",
      from:
        `import * as Metric from "effect/Metric"\nexport const a = Metric.counter("a").pipe(Metric.tagged("b", "c"))\nexport const d = Metric.tagged(a, "e", "f")`,
      to:
        `import * as Metric from "effect/Metric"\nexport const a = Metric.counter("a").pipe(Metric.withAttributes({ ["b"]: "c" }))\nexport const d = Metric.withAttributes(a, { ["e"]: "f" })`
    }
  ],
  timeoutFail: [{
    title: "fails with what the function returns",
    from: `${effect}export const a = Effect.timeoutFail(Effect.void, { duration: 1, onTimeout: () => "late" })`,
    to:
      `${effect}export const a = Effect.timeoutOrElse(Effect.void, { duration: 1, orElse: () => Effect.failSync(() => "late") })`
  }],
  rewriteCall: [
    {
      title: "writes a call anew around its last argument, and imports what it needs",
      from: `import * as Fiber from "effect/Fiber"\nexport const a = (b: Fiber.RuntimeFiber<void>) => Fiber.poll(b)`,
      to:
        `import * as Effect from "effect/Effect"\nimport * as Option from "effect/Option"\nimport * as Fiber from "effect/Fiber"\nexport const a = (b: Fiber.Fiber<void>) => Effect.sync(() => Option.fromNullishOr(b.pollUnsafe()))`
    },
    {
      title: "makes a call of what is a value",
      from:
        `${effect}import * as TestContext from "effect/TestContext"\nexport const a = Effect.provide(Effect.void, TestContext.TestContext)`,
      to:
        `import * as TestClock from "effect/testing/TestClock"\n${effect}export const a = Effect.provide(Effect.void, TestClock.layer())`
    },
    {
      title: "makes a value of a call without arguments",
      from: `${effect}export const a = Effect.yieldNow()`,
      to: `${effect}export const a = Effect.yieldNow`
    },
    {
      title: "writes a call anew without its arguments",
      from: `import * as Logger from "effect/Logger"\nexport const a = Logger.remove(Logger.defaultLogger)`,
      to: `import * as Logger from "effect/Logger"\nexport const a = Logger.layer([])`
    }
  ],
  distance: [{
    title: "keeps the number and its sign",
    from:
      `import * as DateTime from "effect/DateTime"\nexport const a = (b: DateTime.Utc, c: DateTime.Utc) => DateTime.distance(b, c)`,
    to:
      `import * as DateTime from "effect/DateTime"\nexport const a = (b: DateTime.Utc, c: DateTime.Utc) => (-(b).epochMilliseconds + (c).epochMilliseconds)`
  }],
  halfOpen: [{
    title: "leaves out the end of a range",
    from: `import * as Random from "effect/Random"\nexport const a = Random.nextIntBetween(0, 3)`,
    to: `import * as Random from "effect/Random"\nexport const a = Random.nextIntBetween(0, 3, { halfOpen: true })`
  }],
  renameProperty: [
    {
      title: "renames a member of a value, as its type says",
      from:
        `${either}export const a = (b: Either.Either<number, string>, c: { left: 1 }) => Either.isLeft(b) ? b.left : c.left`,
      to:
        `import * as Result from "effect/Result"\nexport const a = (b: Result.Result<number, string>, c: { left: 1 }) => Result.isFailure(b) ? b.failure : c.left`
    },
    {
      title: "renames a field of options, also a short one",
      from:
        `${either}export const a = (b: Either.Either<number, string>, onRight: () => number) => Either.match(b, { onLeft: () => 1, onRight })`,
      to:
        `import * as Result from "effect/Result"\nexport const a = (b: Result.Result<number, string>, onRight: () => number) => Result.match(b, { onFailure: () => 1, onSuccess: onRight })`
    },
    {
      title: "renames what a pattern takes out of a value",
      from:
        `import type * as DateTime from "effect/DateTime"\nexport const a = ({ epochMillis }: DateTime.Utc) => epochMillis`,
      to:
        `import type * as DateTime from "effect/DateTime"\nexport const a = ({ epochMilliseconds: epochMillis }: DateTime.Utc) => epochMillis`
    }
  ],
  renameTag: [
    {
      title: "renames a tag that is compared, as its type says",
      from:
        `${either}export const a = (b: Either.Either<1, 2>, c: { _tag: "Left" }) => [b._tag === "Left", c._tag === "Left"]`,
      to:
        `import * as Result from "effect/Result"\nexport const a = (b: Result.Result<1, 2>, c: { _tag: "Left" }) => [b._tag === "Failure", c._tag === "Left"]`
    },
    {
      title: "renames the tag of an address",
      from:
        `import type * as HttpServer from "@effect/platform/HttpServer"\nexport const a = ({ address }: HttpServer.HttpServer) => address._tag === "TcpAddress"`,
      to:
        `import type * as HttpServer from "effect/http/HttpServer"\nexport const a = ({ address }: HttpServer.HttpServer) => address._tag === "InetAddressV4"`
    }
  ],
  toEffect: [
    {
      title: "makes an effect of an Either and of an Option in the generator of an effect",
      from:
        `${effect}${either}import * as Option from "effect/Option"\nexport const a = Effect.gen(function*() {\n  yield* Option.some(1)\n  return yield* Either.right(1)\n})`,
      to:
        `${effect}import * as Result from "effect/Result"\nimport * as Option from "effect/Option"\nexport const a = Effect.gen(function*() {\n  yield* Effect.fromOption(Option.some(1))\n  return yield* Effect.fromResult(Result.succeed(1))\n})`
    },
    {
      title: "makes an effect of a fiber and of a Deferred",
      from:
        `import type * as Deferred from "effect/Deferred"\n${effect}import type * as Fiber from "effect/Fiber"\nexport const a = (b: Fiber.RuntimeFiber<1>, c: Deferred.Deferred<1>) => Effect.gen(function*() {\n  yield* b\n  yield* c\n})`,
      to:
        `import * as Deferred from "effect/Deferred"\n${effect}import * as Fiber from "effect/Fiber"\nexport const a = (b: Fiber.Fiber<1>, c: Deferred.Deferred<1>) => Effect.gen(function*() {\n  yield* Fiber.join(b)\n  yield* Deferred.await(c)\n})`
    },
    {
      title: "leaves them in the generator of an Either",
      from: `${either}export const a = Either.gen(function*() {\n  return yield* Either.right(1)\n})`,
      to:
        `import * as Result from "effect/Result"\nexport const a = Result.gen(function*() {\n  return yield* Result.succeed(1)\n})`
    },
    {
      title: "makes an effect of an error that a function returns as one",
      from:
        `${effect}import * as Data from "effect/Data"\nclass E extends Data.TaggedError("E")<{}> {}\nexport const a = (): Effect.Effect<void, E> => new E()`,
      to:
        `${effect}import * as Data from "effect/Data"\nclass E extends Data.TaggedError("E")<{}> {}\nexport const a = (): Effect.Effect<void, E> => Effect.fail(new E())`
    }
  ],
  spanOptions: [{
    title: "says in an argument of its own that a span has no stack",
    from: `${effect}export const a = Effect.void.pipe(Effect.withSpan("a", { captureStackTrace: false, root: true }))`,
    to: `${effect}export const a = Effect.void.pipe(Effect.withSpan("a", { root: true }, { captureStackTrace: false }))`
  }],
  filterMap: [{
    title: "makes a filter of a function to an Option",
    from:
      `import * as Option from "effect/Option"\nimport * as Stream from "effect/Stream"\nexport const a = Stream.filterMap(Stream.make(1), Option.some)`,
    to:
      `import * as Filter from "effect/Filter"\nimport * as Option from "effect/Option"\nimport * as Stream from "effect/Stream"\nexport const a = Stream.filterMap(Stream.make(1), Filter.fromPredicateOption(Option.some))`
  }],
  flatten: [{
    title: "makes an effect of the Option that an effect succeeds with",
    from:
      `${effect}import * as Option from "effect/Option"\nexport const a = (b: Effect.Effect<Option.Option<1>>) => Effect.flatten(b)`,
    to:
      `${effect}import * as Option from "effect/Option"\nexport const a = (b: Effect.Effect<Option.Option<1>>) => Effect.flatMap(b, Effect.fromOption)`
  }],
  httpClientError: [{
    title: "makes the reason of an error a class",
    from:
      `import * as HttpClientError from "@effect/platform/HttpClientError"\nexport const a = (request: any) => new HttpClientError.RequestError({ request, reason: "Transport", cause: 1 })`,
    to:
      `import * as HttpClientError from "effect/http/HttpClientError"\nexport const a = (request: any) => new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause: 1 }) })`
  }],
  propertyTest: [
    {
      title: "asserts a property of fast-check",
      from:
        `import { it } from "@effect/vitest"\nimport * as fc from "effect/FastCheck"\nit.prop("a", [fc.integer(), fc.string()], ([b, c]) => {})\nit.prop("d", [fc.integer()], ([e]) => {}, { fastCheck: { numRuns: 5 } })`,
      to:
        `import { it } from "@effect/vitest"\nimport * as fc from "fast-check"\nit("a", () => fc.assert(fc.property(fc.tuple(fc.integer(), fc.string()), ([b, c]) => {})))\nit("d", () => fc.assert(fc.property(fc.tuple(fc.integer()), ([e]) => {}), ({ fastCheck: { numRuns: 5 } }).fastCheck))`
    },
    {
      title: "refuses properties of effects",
      from: `${effect}import { it } from "@effect/vitest"\nit.effect.prop("a", [], () => Effect.void)`,
      to: { problem: /properties of effects/ }
    }
  ],
  mapConcat: [
    {
      title: "maps, and makes one stream of the lists",
      from: `import * as Stream from "effect/Stream"\nexport const a = Stream.mapConcat(Stream.make(1), (n) => [n, n])`,
      to:
        `import * as Stream from "effect/Stream"\nexport const a = Stream.flattenIterable(Stream.map(Stream.make(1), (n) => [n, n]))`
    },
    {
      title: "refuses a stream that is the subject of a pipe",
      from:
        `import * as Stream from "effect/Stream"\nexport const a = Stream.make(1).pipe(Stream.mapConcat((n) => [n]))`,
      to: { problem: /with the stream as an argument/ }
    }
  ],
  innerNamespace: [{
    title: "takes the types of an effect from the module itself",
    from: `${effect}export type A = Effect.Effect.Success<Effect.Effect<1>>`,
    to: `${effect}export type A = Effect.Success<Effect.Effect<1>>`
  }]
}

/** One program for all cases: reading Effect's declarations takes most of the time. */
const translated = (() => {
  const texts = new Map(
    Object.entries(cases).flatMap(([rule, of]) => of.map((one, n) => [`${root}/test/effect-4/${rule}${n}.ts`, one]))
  )
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    noEmit: true,
    skipLibCheck: true,
    strict: true,
    target: ts.ScriptTarget.ES2022,
    types: []
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  host.fileExists = (file) => texts.has(file) || fileExists(file)
  host.readFile = (file) => texts.get(file)?.from ?? readFile(file)
  const program = ts.createProgram([...texts.keys()], options, host)
  const checker = program.getTypeChecker()
  return new Map([...texts].map(([file, one]) => {
    const isExported = (specifier: string, name?: string) =>
      name === undefined
        ? !/ExecutionStrategy|ParseResult/.test(specifier)
        : !(one.missing ?? []).includes(name)
    return [one, translateFile(program.getSourceFile(file), checker, isExported)] as const
  }))
})()

describe("the generator of the source for Effect 4", () => {
  for (const [rule, of] of Object.entries(cases)) {
    for (const one of of) {
      it(`${rule}: ${one.title}`, () => {
        const { problems, text } = translated.get(one)
        if (typeof one.to === "string") {
          assert.deepStrictEqual(problems, [])
          assert.strictEqual(text, one.to)
        } else {
          assert.strictEqual(problems.length, 1)
          assert.match(problems[0], one.to.problem)
        }
      })
    }
  }

  it("has a test for each of its rules", () => {
    assert.sameMembers(Object.keys(rules).filter((rule) => cases[rule] === undefined), [])
  })

  it("knows modules of Effect only", () => {
    for (const module of Object.keys(modules)) assert.match(module, /^(effect\/|@effect\/[\w-]+)/)
    for (const reason of Object.values(left)) assert.isString(reason)
  })
})
