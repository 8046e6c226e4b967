// Rules from Effect 3 to Effect 4 on the syntax tree. Each is a function of a node and of what is known about its file
// (see `translate.mjs`); it records edits, and says what it cannot translate.
import ts from "typescript"
import {
  changed,
  forks,
  lists,
  members,
  moved,
  properties,
  services,
  tags,
  templates,
  thunks,
  wraps
} from "./tables.mjs"

/** `NS.member`, as an expression or as a type, where `NS` is a namespace of Effect's. */
const memberOf = (node, file) => {
  const [namespace, name] = ts.isPropertyAccessExpression(node)
    ? [node.expression, node.name]
    : ts.isQualifiedName(node)
    ? [node.left, node.right]
    : []
  if (namespace === undefined || !ts.isIdentifier(namespace)) return undefined
  const module = file.namespaces.get(namespace.text)
  return module === undefined ? undefined : { module, namespace, name }
}

/** `NS.member` as what a call calls. */
const calleeOf = (node, file, table) => {
  if (!ts.isCallExpression(node)) return undefined
  const member = memberOf(node.expression, file)
  return member !== undefined && table[member.module]?.includes(member.name.text) ? member : undefined
}

/** What a table has for what a call calls. */
const entryOf = (node, file, table) => {
  if (!ts.isCallExpression(node)) return undefined
  const member = memberOf(node.expression, file)
  const names = table[member?.module]
  return names !== undefined && Object.hasOwn(names, member.name.text) ? names[member.name.text] : undefined
}

const wrap = (file, node, before, after) => {
  file.edits.insert(node.getStart(), before)
  file.edits.insertAfter(node.end, after)
}

/** A member of a module gets its new name; one that Effect 4 does not have is a problem. */
const renameMember = (node, file) => {
  const member = memberOf(node, file)
  if (member === undefined) return
  const { module, name } = member
  const instead = changed[module]?.[name.text]
  if (instead !== undefined) {
    return file.problem(node, `${module}.${name.text} is another in Effect 4; write ${instead}`)
  }
  if ([moved, services].some((table) => table[module]?.[name.text] !== undefined)) return
  if (entryOf(node.parent, file, templates) !== undefined) return
  const renamed = members[module]?.[name.text] ?? lists[module]?.[name.text]?.name ?? name.text
  if (!file.isKnown(module, renamed)) {
    return file.problem(node, `${module} has no ${renamed} in Effect 4 (${name.text})`)
  }
  if (renamed !== name.text) file.edits.replace(name.getStart(), name.end, renamed)
}

/** A member is replaced by a member of another module, or by a text. */
const moveMember = (node, file) => {
  const member = memberOf(node, file)
  const target = moved[member?.module]?.[member?.name.text]
  if (target === undefined) return
  if (typeof target === "string") return file.edits.replace(node.getStart(), node.end, target)
  const [module, name] = target
  file.edits.replace(member.namespace.getStart(), member.name.end, `${file.import(module)}.${name}`)
}

/** `Context.Tag("id")<Self, Service>()` is `Context.Service<Self, Service>()("id")`. */
const contextTag = (node, file) => {
  if (
    !ts.isCallExpression(node) ||
    !ts.isExpressionWithTypeArguments(node.expression) && !ts.isCallExpression(node.expression)
  ) return
  const inner = node.expression
  if (!ts.isCallExpression(inner)) return
  const member = memberOf(inner.expression, file)
  if (member?.module !== "effect/Context" || member.name.text !== "Tag") return
  const id = inner.arguments[0]
  file.edits.replace(inner.expression.end, inner.end, "")
  file.edits.insertAfter(node.end, `(${id.getText()})`)
}

/** `Schema.Union(a, b)` is `Schema.Union([a, b])`; `Schema.Literal(a)` stays. */
const listArguments = (node, file) => {
  if (!ts.isCallExpression(node)) return
  const member = memberOf(node.expression, file)
  const list = lists[member?.module]?.[member?.name.text]
  if (list === undefined) return
  const args = node.arguments.slice(list.before ?? 0)
  if (args.length === 0) return
  if (args.length === 1 && ts.isSpreadElement(args[0])) {
    return file.edits.replace(args[0].getStart(), args[0].expression.getStart(), "")
  }
  if (member.module === "effect/Schedule" && args.length < 2) {
    return file.problem(node, `write Schedule.${member.name.text} with both schedules as arguments`)
  }
  file.edits.insert(args[0].getStart(), "[")
  file.edits.insertAfter(args[args.length - 1].end, "]")
}

/** `Schema.Record({ key, value })` is `Schema.Record(key, value)`. */
const recordArguments = (node, file) => {
  if (!ts.isCallExpression(node)) return
  const member = memberOf(node.expression, file)
  if (member?.module !== "effect/Schema" || member.name.text !== "Record") return
  const [options] = node.arguments
  const [key, value] = options.properties
  file.edits.replace(options.getStart(), key.initializer.getStart(), "")
  file.edits.replace(key.initializer.end, value.initializer.getStart(), ", ")
  file.edits.replace(value.initializer.end, options.end, "")
}

/** `Schema.Schema<A, I>` is `Schema.Codec<A, I>`. */
const schemaType = (node, file) => {
  if (!ts.isTypeReferenceNode(node)) return
  const member = memberOf(node.typeName, file)
  if (member?.module === "effect/Schema" && member.name.text === "Schema" && node.typeArguments !== undefined) {
    file.edits.replace(member.name.getStart(), member.name.end, "Codec")
  }
}

/** An initial value is a thunk. */
const initialThunk = (node, file) => {
  if (calleeOf(node, file, thunks) === undefined) return
  const initial = node.arguments[node.arguments.length - 2]
  wrap(file, initial, "() => (", ")")
}

/** A fiber inherits whether it can be interrupted. */
const inheritInterruptibility = (node, file) => {
  const member = calleeOf(node, file, forks)
  const options = `{ uninterruptible: "inherit" }`
  if (member !== undefined) return file.edits.insertAfter(node.arguments.end, `, ${options}`)
  // As a function that is passed on, such as in `effect.pipe(Effect.fork)`.
  const passed = memberOf(node, file)
  if (passed === undefined || ts.isCallExpression(node.parent) && node.parent.expression === node) return
  if (forks[passed.module]?.includes(passed.name.text)) file.edits.insertAfter(node.end, `(${options})`)
}

/** The last argument is put into something, such as the message of `Effect.dieMessage` into an error. */
const wrapArgument = (node, file) => {
  const around = entryOf(node, file, wraps)
  if (around !== undefined) wrap(file, node.arguments[node.arguments.length - 1], ...around)
}

/** The call is written anew around its last argument. */
const rewriteCall = (node, file) => {
  const template = entryOf(node, file, templates)
  if (template === undefined) return
  for (const [, name] of template.matchAll(/\b([A-Z]\w+)\.\w/g)) if (name !== "Object") file.import(`effect/${name}`)
  const [before, after] = template.split("$")
  const argument = node.arguments[node.arguments.length - 1]
  if (after === undefined) return file.edits.replace(node.getStart(), node.end, before)
  file.edits.replace(node.getStart(), argument.getStart(), before)
  file.edits.replace(argument.end, node.end, after)
}

/** `Effect.withClock(clock)` is `Effect.provideService(Clock.Clock, clock)`. */
const provideService = (node, file) => {
  const service = entryOf(node, file, services)
  if (service === undefined) return
  const [module, name] = service
  const { expression } = node
  file.edits.replace(expression.getStart(), expression.end, `${file.import("effect/Effect")}.provideService`)
  file.edits.insert(node.arguments[node.arguments.length - 1].getStart(), `${file.import(module)}.${name}, `)
}

/** `Effect.timeoutFail({ duration, onTimeout })` is `Effect.timeoutOrElse({ duration, orElse })`. */
const timeoutFail = (node, file) => {
  if (calleeOf(node, file, { "effect/Effect": ["timeoutFail"] }) === undefined) return
  const options = node.arguments[node.arguments.length - 1]
  const onTimeout = options.properties.find(({ name }) => name.text === "onTimeout")
  file.edits.replace(onTimeout.name.getStart(), onTimeout.name.end, "orElse")
  wrap(file, onTimeout.initializer, "() => Effect.failSync(", ")")
}

/** `DateTime.distance(a, b)` is a number in Effect 3, and a duration without a sign in Effect 4. */
const distance = (node, file) => {
  if (calleeOf(node, file, { "effect/DateTime": ["distance"] }) === undefined) return
  const [a, b] = node.arguments
  file.edits.replace(node.getStart(), a.getStart(), "(-(")
  file.edits.replace(a.end, b.getStart(), ").epochMilliseconds + (")
  file.edits.replace(b.end, node.end, ").epochMilliseconds)")
}

/** `Random.nextIntBetween` leaves the end out in Effect 3. In Effect 4 it has to be told to. */
const halfOpen = (node, file) => {
  if (calleeOf(node, file, { "effect/Random": ["nextIntBetween"] }) === undefined) return
  file.edits.insertAfter(node.arguments.end, ", { halfOpen: true }")
}

/** A member of a value, or a field of options, gets its new name. */
const renameProperty = (node, file) => {
  if (ts.isPropertyAccessExpression(node)) {
    if (memberOf(node, file) !== undefined) return
    const renamed = file.renamed(properties, file.checker.getSymbolAtLocation(node.name))
    if (renamed !== undefined) file.edits.replace(node.name.getStart(), node.name.end, renamed)
  }
  if (ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node) || ts.isMethodDeclaration(node)) {
    if (!ts.isObjectLiteralExpression(node.parent)) return
    const renamed = file.renamed(properties, file.contextualProperty(node))
    if (renamed === undefined) return
    if (renamed === null) {
      const siblings = node.parent.properties
      const index = siblings.indexOf(node)
      const isLast = index === siblings.length - 1
      return isLast && index > 0
        ? file.edits.replace(siblings[index - 1].end, node.end, "")
        : file.edits.replace(node.getStart(), isLast ? node.end : siblings[index + 1].getStart(), "")
    }
    if (ts.isShorthandPropertyAssignment(node)) file.edits.insert(node.getStart(), `${renamed}: `)
    else file.edits.replace(node.name.getStart(), node.name.end, renamed)
  }
  if (ts.isBindingElement(node) && ts.isObjectBindingPattern(node.parent)) {
    const name = node.propertyName ?? node.name
    if (node.dotDotDotToken !== undefined || name.text === undefined) return
    const property = file.checker.getTypeAtLocation(node.parent).getProperty(name.text)
    const renamed = file.renamed(properties, property)
    if (renamed === undefined) return
    if (node.propertyName === undefined) file.edits.insert(node.getStart(), `${renamed}: `)
    else file.edits.replace(name.getStart(), name.end, renamed)
  }
}

/** A tag that is compared gets its new name. */
const renameTag = (node, file) => {
  if (!ts.isStringLiteral(node)) return
  const { parent } = node
  const compared = ts.isBinaryExpression(parent)
    ? (parent.left === node ? parent.right : parent.left)
    : ts.isCaseClause(parent)
    ? parent.parent.parent.expression
    : undefined
  if (compared === undefined || !ts.isPropertyAccessExpression(compared) || compared.name.text !== "_tag") return
  const renamed = file.renamedIn(tags, file.checker.getSymbolAtLocation(compared.name), node.text)
  if (renamed !== undefined) file.edits.replace(node.getStart(), node.end, JSON.stringify(renamed))
}

/** Where Effect 3 takes an `Either`, an `Option` or an error for an `Effect`, Effect 4 has to be told. */
const toEffect = (node, file) => {
  if (!ts.isExpression(node) || ts.isParenthesizedExpression(node) || !file.isEffectExpected(node)) return
  const target = {
    Deferred: ["effect/Deferred", "await"],
    Either: ["effect/Effect", "fromResult"],
    Error: ["effect/Effect", "fail"],
    Fiber: ["effect/Fiber", "join"],
    Option: ["effect/Effect", "fromOption"]
  }[file.kindOf(node)]
  if (target === undefined) return
  const [module, name] = target
  wrap(file, node, `${file.import(module)}.${name}(`, ")")
}

/** `fiber.poll` is an effect. */
const pollFiber = (node, file) => {
  if (!ts.isPropertyAccessExpression(node) || node.name.text !== "poll" || memberOf(node, file) !== undefined) return
  if (!file.isMemberOf(node.name, "effect/Fiber")) return
  file.edits.insert(
    node.getStart(),
    `${file.import("effect/Effect")}.sync(() => ${file.import("effect/Option")}.fromNullishOr(`
  )
  file.edits.replace(node.name.getStart(), node.name.end, "pollUnsafe()))")
}

/** `Effect.flatten` of an effect to an `Option` or an `Either`. */
const flatten = (node, file) => {
  if (calleeOf(node, file, { "effect/Effect": ["flatten"] }) === undefined) return
  const name = { Either: "fromResult", Option: "fromOption" }[file.kindOfSuccess(node.arguments[0])]
  if (name === undefined) return
  file.edits.replace(node.expression.name.getStart(), node.expression.name.end, "flatMap")
  file.edits.insertAfter(node.arguments[0].end, `, Effect.${name}`)
}

/** An error of an `HttpClient` is one class, with a reason that is another. */
const httpClientError = (node, file) => {
  if (!ts.isNewExpression(node)) return
  const member = memberOf(node.expression, file)
  if (member?.module !== "@effect/platform/HttpClientError" || !/^Re.*Error$/.test(member.name.text)) return
  const [options] = node.arguments
  const reason = options.properties.find(({ name }) => name?.text === "reason")
  if (reason === undefined || !ts.isPropertyAssignment(reason) || !ts.isStringLiteral(reason.initializer)) {
    return file.problem(node, "write the reason of the error as a text")
  }
  file.edits.insert(options.getStart(), `{ reason: new HttpClientError.${reason.initializer.text}Error(`)
  const next = options.properties[options.properties.indexOf(reason) + 1]
  file.edits.replace(reason.getStart(), next === undefined ? reason.end : next.getStart(), "")
  file.edits.insertAfter(options.end, ") }")
}

/** The options of a span do not say whether stacks are captured; a third argument does. */
const spanOptions = (node, file) => {
  // With the effect as the first argument the options do say it.
  if (calleeOf(node, file, { "effect/Effect": ["withSpan"] }) === undefined || node.arguments.length !== 2) return
  const options = node.arguments[node.arguments.length - 1]
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return
  if (!options.properties.some((property) => property.name?.text === "captureStackTrace")) return
  file.edits.insertAfter(options.end, ", { captureStackTrace: false }")
}

/** `Metric.tagged(name, value)` is `Metric.withAttributes({ [name]: value })`. */
const tagged = (node, file) => {
  if (calleeOf(node, file, { "effect/Metric": ["tagged"] }) === undefined) return
  const [name, value] = node.arguments.slice(-2)
  file.edits.insert(name.getStart(), "{ [")
  file.edits.replace(name.end, value.getStart(), "]: ")
  file.edits.insertAfter(value.end, " }")
}

/** `it.prop` of Effect 4 takes no `fast-check`. `it.prop(name, [a], f)` is a test that asserts a property. */
const propertyTest = (node, file) => {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return
  const { expression, name } = node.expression
  if (name.text !== "prop" || !file.isMemberOf(name, "@effect/vitest")) return
  const [, arbitraries, property, options] = node.arguments
  const [fc] = Array.from(file.namespaces).find(([, module]) => module === "effect/FastCheck") ?? []
  if (expression.getText() !== "it" || fc === undefined || !ts.isArrayLiteralExpression(arbitraries)) {
    return file.problem(
      node,
      "write `it.prop` with a list of arbitraries, and properties of effects with test/utils/effect/properties"
    )
  }
  file.edits.replace(expression.end, name.end, "")
  file.edits.replace(
    arbitraries.getStart(),
    arbitraries.getStart() + 1,
    `() => ${fc}.assert(${fc}.property(${fc}.tuple(`
  )
  file.edits.replace(arbitraries.end - 1, arbitraries.end, ")")
  file.edits.insertAfter(property.end, options === undefined ? "))" : ")")
  if (options === undefined) return
  file.edits.insert(options.getStart(), "(")
  file.edits.insertAfter(options.end, ").fastCheck)")
}

/** `Stream.mapConcat(stream, f)` is `Stream.flattenIterable(Stream.map(stream, f))`. */
const mapConcat = (node, file) => {
  if (calleeOf(node, file, { "effect/Stream": ["mapConcat"] }) === undefined) return
  if (node.arguments.length < 2) return file.problem(node, "write Stream.mapConcat with the stream as an argument")
  file.edits.insert(node.arguments[0].getStart(), "Stream.map(")
  file.edits.insertAfter(node.arguments[1].end, ")")
}

/** `Effect.Effect.Success` is `Effect.Success`, and `Effect.Effect.Context` is `Effect.Services`. */
const innerNamespace = (node, file) => {
  if (!ts.isQualifiedName(node) || !ts.isQualifiedName(node.left)) return
  const member = memberOf(node.left, file)
  if (member?.module === "effect/Effect" && member.name.text === "Effect") {
    file.edits.replace(node.left.left.end, node.left.end, "")
    if (node.right.text === "Context") file.edits.replace(node.right.getStart(), node.right.end, "Services")
  }
}

/** `Stream.filterMap` takes a filter. */
const filterMap = (node, file) => {
  if (calleeOf(node, file, { "effect/Stream": ["filterMap"], "effect/Array": ["filterMap"] }) === undefined) return
  wrap(file, node.arguments[node.arguments.length - 1], `${file.import("effect/Filter")}.fromPredicateOption(`, ")")
}

/** All rules, by name. */
export const rules = {
  // The first is outermost where several change one expression.
  toEffect,
  renameMember,
  moveMember,
  contextTag,
  listArguments,
  recordArguments,
  schemaType,
  initialThunk,
  inheritInterruptibility,
  wrapArgument,
  rewriteCall,
  provideService,
  timeoutFail,
  distance,
  halfOpen,
  renameProperty,
  renameTag,
  pollFiber,
  spanOptions,
  filterMap,
  flatten,
  httpClientError,
  mapConcat,
  propertyTest,
  tagged,
  innerNamespace
}
