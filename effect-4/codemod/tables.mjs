// What Effect 4 calls what Effect 3 has, as data: modules, their members, and members of values.

/** Files that are not translated, with the reason. */
export const left = {
  "test/SlackEmulator.peers.test.ts": "it tests the emulator with packages that use no Effect",
  "test/docs-architecture.test.ts": "it tests the documentation of the source",
  "test/docs-changesets.test.ts": "it tests the documentation of the source",
  "test/docs-errors.test.ts": "it tests the documentation of the source",
  "test/docs-examples.test.ts": "it tests the documentation of the source",
  "test/docs-pages.test.ts": "it tests the documentation of the source",
  "test/docs-slack-app.test.ts": "it tests the documentation of the source",
  "test/docs-long-run.test.ts": "it tests the documentation of the source",
  "test/docs-languages.test.ts": "it tests the documentation of the source",
  "test/docs-pictures.test.ts": "it tests the documentation of the source",
  "test/docs-security.test.ts": "it tests the documentation of the source",
  "test/docs-terminal.test.ts": "it tests the documentation of the source",
  "test/effect-4": "it tests the generator",
  "test/sql/Libsql.test.ts": "no driver for libsql was released for Effect 4",
  "test/types": "the types that Effect 3 shows",
  "src/internal/sql/sharedLibsql.ts": "no driver for libsql was released for Effect 4",
  "src/sql/Libsql.ts": "no driver for libsql was released for Effect 4"
}

/** Modules of this package that Effect 4 has another one for, with the same API. Text that names them is translated too. */
export const replaced = { "sql/Libsql": "sql/NodeSqlite" }

/** Effect 3's modules that Effect 4 has elsewhere; the namespace is named as the new module. */
export const modules = {
  "@effect/platform": "effect/http",
  "@effect/platform/Command": "effect/process/ChildProcess",
  "@effect/platform/CommandExecutor": "effect/process/ChildProcessSpawner",
  "@effect/platform/Cookies": "effect/http/Cookies",
  "@effect/platform/Error": "effect/PlatformError",
  "@effect/platform/FetchHttpClient": "effect/http/FetchHttpClient",
  "@effect/platform/FileSystem": "effect/FileSystem",
  "@effect/platform/Headers": "effect/http/Headers",
  "@effect/platform/HttpBody": "effect/http/HttpBody",
  "@effect/platform/HttpClient": "effect/http/HttpClient",
  "@effect/platform/HttpClientError": "effect/http/HttpClientError",
  "@effect/platform/HttpClientRequest": "effect/http/HttpClientRequest",
  "@effect/platform/HttpClientResponse": "effect/http/HttpClientResponse",
  "@effect/platform/HttpLayerRouter": "effect/http/HttpRouter",
  "@effect/platform/HttpMiddleware": "effect/http/HttpMiddleware",
  "@effect/platform/HttpServer": "effect/http/HttpServer",
  "@effect/platform/HttpServerError": "effect/http/HttpServerError",
  "@effect/platform/HttpServerRequest": "effect/http/HttpServerRequest",
  "@effect/platform/HttpServerResponse": "effect/http/HttpServerResponse",
  "@effect/platform/KeyValueStore": "effect/persistence/KeyValueStore",
  "@effect/platform/Path": "effect/Path",
  "@effect/platform/UrlParams": "effect/http/UrlParams",
  "@effect/platform-node/NodeContext": "@effect/platform-node/NodeServices",
  "@effect/sql/Migrator": "effect/sql/Migrator",
  "@effect/sql/SqlClient": "effect/sql/SqlClient",
  "@effect/sql/SqlError": "effect/sql/SqlError",
  "@effect/sql/Statement": "effect/sql/Statement",
  "effect/ConfigError": "effect/Config",
  "effect/Either": "effect/Result",
  "effect/FastCheck": "fast-check",
  "effect/TestClock": "effect/testing/TestClock"
}

/** Members of modules that have another name, by Effect 3's module. */
export const members = {
  "effect/Chunk": { unsafeFromArray: "fromArrayUnsafe" },
  "effect/ConfigProvider": { fromJson: "fromUnknown" },
  "effect/Config": {
    boolean: "Boolean",
    integer: "Int",
    nonEmptyString: "NonEmptyString",
    redacted: "Redacted",
    string: "String"
  },
  "@effect/platform-node/NodeHttpClient": { layer: "layerNodeHttp" },
  "@effect/platform/Command": { env: "setEnv", workingDirectory: "setCwd" },
  "@effect/platform/CommandExecutor": { CommandExecutor: "ChildProcessSpawner" },
  "@effect/platform/HttpClientError": { RequestError: "HttpClientError", ResponseError: "HttpClientError" },
  "@effect/platform/HttpServerError": { RequestError: "HttpServerError" },
  "effect/Array": { getLefts: "getFailures", getRights: "getSuccesses" },
  "effect/Cause": {
    failureOption: "findErrorOption",
    isInterrupted: "hasInterrupts",
    isDie: "hasDies",
    isFailure: "hasFails",
    isFailType: "hasFails",
    isInterruptedOnly: "hasInterruptsOnly"
  },
  "effect/Context": { GenericTag: "Service", Tag: "Service" },
  "effect/DateTime": { distanceDuration: "distance", lessThan: "isLessThan", unsafeMake: "makeUnsafe" },
  "effect/Deferred": { unsafeDone: "doneUnsafe", unsafeMake: "makeUnsafe" },
  "effect/Duration": {
    DurationInput: "Input",
    decode: "fromInputUnsafe",
    decodeUnknown: "fromInput",
    greaterThan: "isGreaterThan",
    lessThan: "isLessThan"
  },
  "effect/Effect": {
    async: "callback",
    catchAll: "catch",
    catchAllCause: "catchCause",
    catchAllDefect: "catchDefect",
    contextWithEffect: "contextWith",
    dieMessage: "die",
    either: "result",
    fork: "forkChild",
    forkDaemon: "forkDetach",
    mapInputContext: "updateContext",
    repeatN: "repeat",
    tapErrorCause: "tapCause",
    timeoutFail: "timeoutOrElse",
    zipLeft: "tap",
    zipRight: "andThen"
  },
  "effect/Either": {
    Either: "Result",
    isLeft: "isFailure",
    isRight: "isSuccess",
    left: "fail",
    mapLeft: "mapError",
    right: "succeed"
  },
  "effect/Exit": { causeOption: "getCause", isInterrupted: "hasInterrupts" },
  "effect/Fiber": { RuntimeFiber: "Fiber" },
  "effect/Layer": {
    catchAll: "catch",
    scoped: "effect",
    scopedDiscard: "effectDiscard",
    unwrapEffect: "unwrap",
    unwrapScoped: "unwrap"
  },
  "effect/Metric": { tagged: "withAttributes" },
  "effect/Option": { fromNullable: "fromNullishOr" },
  "effect/Queue": { unsafeOffer: "offerUnsafe" },
  "effect/Random": { nextRange: "nextBetween" },
  "effect/Schema": {
    Date: "DateFromString",
    DateFromSelf: "Date",
    DateTimeUtc: "DateTimeUtcFromString",
    DateTimeUtcFromSelf: "DateTimeUtc",
    DurationFromSelf: "Duration",
    NumberFromString: "FiniteFromString",
    Redacted: "RedactedFromValue",
    RedactedFromSelf: "Redacted",
    decode: "decodeEffect",
    decodeEither: "decodeResult",
    decodeUnknown: "decodeUnknownEffect",
    decodeUnknownEither: "decodeUnknownResult",
    encode: "encodeEffect",
    parseJson: "fromJsonString",
    typeSchema: "toType"
  },
  "effect/Scope": { CloseableScope: "Closeable", extend: "provide" },
  "effect/Stream": {
    asyncPush: "callback",
    execute: "fromEffectDrain",
    fromChunk: "fromArray",
    mapChunksEffect: "mapArrayEffect",
    mapConcat: "flattenIterable",
    provideLayer: "provide",
    runForEachChunk: "runForEachArray",
    unwrapScoped: "unwrap"
  }
}

/** Members that take `[a, b]` where Effect 3 takes `a, b`. A number says how many arguments come before the list. */
export const lists = {
  "@effect/platform/Command": { make: { name: "make", before: 1 } },
  "effect/Schedule": { intersect: { name: "max" }, union: { name: "min" } },
  "effect/Schema": { Literal: { name: "Literals" }, Tuple: { name: "Tuple" }, Union: { name: "Union" } }
}

/** Members that are in another module, or are plain values: `[module, member]` or a text. */
export const moved = {
  "effect/Effect": {
    Latch: ["effect/Latch", "Latch"],
    Semaphore: ["effect/Semaphore", "Semaphore"],
    clock: ["effect/Clock", "Clock"],
    intoDeferred: ["effect/Deferred", "into"],
    makeLatch: ["effect/Latch", "make"],
    makeSemaphore: ["effect/Semaphore", "make"],
    unsafeMakeLatch: ["effect/Latch", "makeUnsafe"],
    unsafeMakeSemaphore: ["effect/Semaphore", "makeUnsafe"]
  },
  "effect/ExecutionStrategy": { parallel: "\"parallel\"", sequential: "\"sequential\"" },
  "effect/Layer": { setConfigProvider: ["effect/ConfigProvider", "layer"] },
  "effect/LogLevel": {
    All: "\"All\"",
    Debug: "\"Debug\"",
    Error: "\"Error\"",
    Fatal: "\"Fatal\"",
    Info: "\"Info\"",
    None: "\"None\"",
    Trace: "\"Trace\"",
    Warning: "\"Warn\""
  },
  "effect/TestContext": { TestContext: ["effect/testing/TestClock", "layer()"] },
  "effect/ParseResult": { ParseError: ["effect/Schema", "SchemaError"] }
}

/** Members whose last argument is wrapped: the text before it, and the text after it. */
export const wraps = {
  "effect/Effect": { dieMessage: ["new Error(", ")"], repeatN: ["{ times: ", " }"] },
  "effect/Schedule": { upTo: ["{ duration: ", " }"] }
}

/** Calls that are written anew. `$` is the last argument, and the namespaces are modules of `effect`. */
export const templates = {
  "effect/Cause": {
    defects: "$.reasons.filter(Cause.isDieReason).map((reason) => reason.defect)",
    failures: "$.reasons.filter(Cause.isFailReason).map((reason) => reason.error)"
  },
  "effect/ConfigProvider": { fromMap: "ConfigProvider.fromUnknown(Object.fromEntries($))" },
  "effect/Effect": {
    forkAll: `Effect.forkChild(Effect.all($, { concurrency: "unbounded" }), { uninterruptible: "inherit" })`,
    merge: "Effect.match($, { onFailure: (error) => error, onSuccess: (value) => value })",
    yieldNow: "Effect.yieldNow"
  },
  "effect/Fiber": {
    interruptFork: "Effect.sync(() => $.interruptUnsafe())",
    poll: "Effect.sync(() => Option.fromNullishOr($.pollUnsafe()))"
  },
  "effect/Layer": { fail: "Layer.effectContext(Effect.fail($))" },
  "effect/Logger": {
    remove: "Logger.layer([])",
    replace: "Logger.layer([$])"
  }
}

/** Members that give an effect one of Effect's own services: the module of the service, and its name. */
export const services = {
  "effect/Effect": {
    withClock: ["effect/Clock", "Clock"],
    withConfigProvider: ["effect/ConfigProvider", "ConfigProvider"]
  },
  "effect/Logger": { withMinimumLogLevel: ["effect/References", "MinimumLogLevel"] }
}

/**
 * Members that Effect 4 has too, and that do something else there. Each comes with what to write instead in the source,
 * which both majors take alike.
 */
export const changed = {
  "effect/Array": {
    partition: "`filter`, twice: the order of the two lists is another",
    partitionMap: "`getLefts` and `getRights`: the order of the two lists is another",
    separate: "`getLefts` and `getRights`: the order of the two lists is another"
  },
  "effect/Effect": {
    andThen: "`flatMap`, `zipRight` or `map`: Effect 4 takes no plain value there",
    contextWith: "`map` of `Effect.context()`: Effect 4 takes a function to an effect"
  },
  "effect/Stream": { mapAccum: "`map` in a `suspend` that has the state: Effect 4 takes lists there" }
}

/** Members whose initial value, the last argument but one, is a thunk in Effect 4. */
export const thunks = {
  "effect/Effect": ["reduce"],
  "effect/Stream": ["runFold", "runFoldEffect", "scan"]
}

/** Members that start a fiber. Effect 3's fibers inherit whether they can be interrupted, Effect 4's have to be told. */
export const forks = { "effect/Effect": ["fork", "forkDaemon", "forkIn", "forkScoped"] }

/**
 * Members of values, and fields of options, that have another name: by the module that declares them. With `null` a
 * field is left out.
 */
export const properties = {
  "@effect/vitest": { scoped: "effect", scopedLive: "live" },
  "effect/Context": { unsafeMap: "mapUnsafe" },
  "effect/Clock": {
    unsafeCurrentTimeMillis: "currentTimeMillisUnsafe",
    unsafeCurrentTimeNanos: "currentTimeNanosUnsafe"
  },
  "effect/DateTime": { epochMillis: "epochMilliseconds", millis: "milliseconds" },
  "effect/Either": { left: "failure", onLeft: "onFailure", onRight: "onSuccess", right: "success" },
  "effect/Fiber": { unsafePoll: "pollUnsafe" },
  "effect/ManagedRuntime": { runtimeEffect: "contextEffect" },
  "effect/Schema": { disableValidation: "disableChecks" },
  "effect/SchemaAST": { disableValidation: "disableChecks" },
  "effect/Tracer": { captureStackTrace: null }
}

/** Values of `_tag` that have another name, by the module that declares them. */
export const tags = {
  "@effect/platform/HttpServer": { TcpAddress: "InetAddressV4", UnixAddress: "UnixPathAddress" },
  "effect/Either": { Left: "Failure", Right: "Success" }
}
