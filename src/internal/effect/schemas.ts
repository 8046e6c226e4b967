/**
 * Parts of schemas.
 */
import * as Arr from "effect/Array"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { deepest } from "../paths.js"

// -------------------------------------------------------------------------------------
// fields
// -------------------------------------------------------------------------------------

/** A field that may be absent, `null` or `undefined`. */
export const maybe = <A, I, R>(schema: Schema.Schema<A, I, R>) => Schema.optional(Schema.NullOr(schema))

/** A field that may be absent or `undefined`, also in the constructor, and is an `Option` in the model. */
export const optional = <A, I, R>(schema: Schema.Schema<A, I, R>) =>
  Schema.optionalWith(schema, { as: "Option" }).pipe(Schema.withConstructorDefault(() => Option.none<A>()))

/** A field that may be absent, and is an `Option` in the model. */
export const exactOptional = <A, I, R>(schema: Schema.Schema<A, I, R>) =>
  Schema.optionalWith(schema, { as: "Option", exact: true })

/** A field that may be absent or `undefined`, also in the constructor, and then has this value. */
export const withDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: NoInfer<A>) =>
  Schema.optionalWith(schema, { default: () => value })

/** A field that the constructor may be called without, and then has this value. */
export const withConstructorDefault = <A, I, R>(schema: Schema.Schema<A, I, R>, value: NoInfer<A>) =>
  Schema.propertySignature(schema).pipe(Schema.withConstructorDefault(() => value))

// -------------------------------------------------------------------------------------
// classes of errors
// -------------------------------------------------------------------------------------

/** A class that `Schema.TaggedError` makes, whose instances inherit more. */
export interface ErrorClass<Self, Tag extends string, Fields extends Schema.Struct.Fields, Inherited>
  extends
    Schema.Class<
      Self,
      { readonly _tag: Schema.tag<Tag> } & Fields,
      Schema.Struct.Encoded<{ readonly _tag: Schema.tag<Tag> } & Fields>,
      never,
      Schema.Struct.Constructor<Fields>,
      {},
      Inherited
    >
{
  readonly _tag: Tag
}

/** The schema of texts. */
export type Text<A extends string> = Schema.Schema<A>

// -------------------------------------------------------------------------------------
// schemas
// -------------------------------------------------------------------------------------

/** The values of a schema that `predicate` accepts. */
export const where = <A, I, R>(schema: Schema.Schema<A, I, R>, predicate: (value: NoInfer<A>) => boolean) =>
  schema.pipe(Schema.filter(predicate))

/** Whole numbers from zero. */
export const nonNegativeInt = Schema.NonNegativeInt

/** A schema with a description, which its JSON Schema has too. */
export const described = <S extends Schema.Annotable.All>(schema: S, description: string) =>
  schema.annotations({ description }) as Schema.Annotable.Self<S>

/** Texts whose JSON Schema has a pattern. Decoding does not check it: whoever decodes can say more about a wrong text. */
export const patterned = (pattern: string) => Schema.String.annotations({ jsonSchema: { pattern } })

/** A union of members that are not known when the types are checked. */
export const union = (members: ReadonlyArray<Schema.Schema.All>): Schema.Schema<any> => Schema.Union(...members) as any

/** A `ReadonlyMap`, encoded as an array of pairs. */
export const entries = <K, KI, V, VI>(key: Schema.Schema<K, KI>, value: Schema.Schema<V, VI>) =>
  Schema.ReadonlyMap({ key, value })

/** Values that a guard accepts. The message of a failure has nothing of the value. */
export const guarded = <A>(identifier: string, guard: (value: unknown) => value is A, message: string) =>
  Schema.declare(guard, { identifier, message: () => ({ message, override: true }) })

/** What does not decode: where, and what belongs there. */
export interface Misfit {
  readonly path: ReadonlyArray<PropertyKey>
  readonly expected?: string | undefined
}

/** A schema between two others, by functions. The message of a failure has the path and nothing of the value. */
export const between = <A, I, B, J>(from: Schema.Schema<A, I>, to: Schema.Schema<B, J>, { decode, encode }: {
  readonly decode: (value: A) => Either.Either<J, Misfit>
  readonly encode: (value: J) => A
}): Schema.Schema<B, I> =>
  Schema.transformOrFail(from, to, {
    strict: true,
    decode: (value, _, ast) =>
      Either.mapLeft(decode(value), ({ expected, path }) => {
        const issue = new ParseResult.Type(ast, null, expected)
        return Arr.isNonEmptyReadonlyArray(path) ? new ParseResult.Pointer(path, value, issue) : issue
      }),
    encode: (value) => ParseResult.succeed(encode(value))
  })

/** The values of an application's schema as JSON text, for a store. Both majors write and read the same text. */
export const jsonText = <A, I>(schema: Schema.Schema<A, I>): Schema.Schema<A, string> => Schema.parseJson(schema)

// -------------------------------------------------------------------------------------
// decoding
// -------------------------------------------------------------------------------------

const pathsOf = (issue: ParseResult.ParseIssue): ReadonlyArray<ReadonlyArray<PropertyKey>> => {
  const paths: Array<ReadonlyArray<PropertyKey>> = []
  const visit = (issue: ParseResult.ParseIssue, path: ReadonlyArray<PropertyKey>): void => {
    switch (issue._tag) {
      case "Pointer":
        return visit(issue.issue, path.concat(issue.path))
      case "Composite":
        return Arr.ensure(issue.issues).forEach((inner) => visit(inner, path))
      case "Refinement":
      case "Transformation":
        return visit(issue.issue, path)
      default:
        paths.push(path)
    }
  }
  visit(issue, [])
  return paths
}

/**
 * Decodes, or returns the paths that do not fit, such as `team.id`. There are none if the whole value does not. With
 * `closed`, a key that the schema does not have does not fit.
 */
export const decoder = <A, I>(schema: Schema.Schema<A, I>, { closed = false } = {}) => {
  const decode = ParseResult.decodeUnknownEither(schema, {
    errors: "all",
    onExcessProperty: closed ? "error" : "ignore"
  })
  return (value: unknown): Either.Either<A, ReadonlyArray<string>> =>
    Either.mapLeft(decode(value), (issue) => deepest(pathsOf(issue)))
}
