/**
 * Parts of schemas.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { deepest } from "../paths.js"

// -------------------------------------------------------------------------------------
// fields
// -------------------------------------------------------------------------------------

/** A field that may be absent, `null` or `undefined`. */
export const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optional(Schema.NullOr(schema))

/** A field that may be absent or `undefined`, also in the constructor, and is an `Option` in the model. */
export const optional = <S extends Schema.Constraint>(schema: S) =>
  Schema.OptionFromOptional(schema).pipe(Schema.withConstructorDefault(Effect.succeed(Option.none<S["Type"]>())))

/** A field that may be absent, and is an `Option` in the model. */
export const exactOptional = <S extends Schema.Constraint>(schema: S) => Schema.OptionFromOptionalKey(schema)

/** A field that may be absent or `undefined`, also in the constructor, and then has this value. */
export const withDefault = <S extends Schema.Top & Schema.WithoutConstructorDefault>(
  schema: S,
  value: NoInfer<S["Type"]>
) =>
  Schema.withConstructorDefault<Schema.withDecodingDefaultType<S>>(Effect.succeed(value as S["~type.make.in"]))(
    Schema.withDecodingDefaultType<S>(Effect.succeed(value))(schema)
  )

/** A field that the constructor may be called without, and then has this value. */
export const withConstructorDefault = <S extends Schema.Top & Schema.WithoutConstructorDefault>(
  schema: S,
  value: NoInfer<S["Type"]>
) => schema.pipe(Schema.withConstructorDefault(Effect.succeed(value as S["~type.make.in"])))

// -------------------------------------------------------------------------------------
// classes of errors
// -------------------------------------------------------------------------------------

/** A class that `Schema.TaggedError` makes, whose instances inherit more. */
export interface ErrorClass<Self, Tag extends string, Fields extends Schema.Struct.Fields, Inherited>
  extends Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, Inherited>
{
  readonly _tag: Tag
}

/** The schema of texts. */
export type Text<A extends string> = Schema.Codec<A>

// -------------------------------------------------------------------------------------
// schemas
// -------------------------------------------------------------------------------------

/** The values of a schema that `predicate` accepts. */
export const where = <S extends Schema.Constraint>(schema: S, predicate: (value: NoInfer<S["Type"]>) => boolean): S =>
  (schema as any).check(Schema.makeFilter(predicate as any))

/** Whole numbers from zero. */
export const nonNegativeInt = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** A schema with a description, which its JSON Schema has too. */
export const described = <S extends Schema.Top>(schema: S, description: string) => schema.annotate({ description })

/** Texts whose JSON Schema, which Effect 3 writes, has a pattern. */
export const patterned = (_pattern: string) => Schema.String

/** A union of members that are not known when the types are checked. */
export const union = (members: ReadonlyArray<Schema.Constraint>): Schema.Codec<any> => Schema.Union(members) as any

/** A `ReadonlyMap`, encoded as an array of pairs. */
export const entries = <K extends Schema.Constraint, V extends Schema.Constraint>(key: K, value: V) =>
  Schema.Array(Schema.Tuple([key, value])).pipe(Schema.decodeTo(
    Schema.declare((value): value is ReadonlyMap<K["Type"], V["Type"]> => value instanceof Map),
    SchemaTransformation.transform({
      decode: (pairs) => new Map(pairs as any) as ReadonlyMap<K["Type"], V["Type"]>,
      encode: (map) => Array.from(map) as any
    })
  ))

/** Values that a guard accepts. The message of a failure has nothing of the value. */
export const guarded = <A>(identifier: string, guard: (value: unknown) => value is A, message: string) =>
  Schema.declare(guard, { identifier, message })

/** What does not decode: where, and what belongs there. */
export interface Misfit {
  readonly path: ReadonlyArray<PropertyKey>
  readonly expected?: string | undefined
}

/** A schema between two others, by functions. The message of a failure has the path and nothing of the value. */
export const between = <A, I, B, J>(from: Schema.Codec<A, I>, to: Schema.Codec<B, J>, { decode, encode }: {
  readonly decode: (value: A) => Result.Result<J, Misfit>
  readonly encode: (value: J) => A
}): Schema.Codec<B, I> =>
  from.pipe(Schema.decodeTo(
    to,
    SchemaTransformation.transformEffect<J, A>({
      decode: (value) =>
        Effect.mapError(Effect.fromResult(decode(value)), ({ expected, path }) => {
          const issue = new SchemaIssue.InvalidValue(expected === undefined ? {} : { message: expected })
          return path.length === 0 ? issue : new SchemaIssue.Pointer(path, issue)
        }),
      encode: (value) => Effect.succeed(encode(value))
    }) as any
  )) as any

/**
 * What a codec for JSON gives, without the fields that `encoded`, the schema's own encoding, has as `undefined`. The codec
 * writes `null` for them; `JSON.stringify` and Effect 3 leave them out.
 */
const withoutUndefined = (json: unknown, encoded: unknown): unknown => {
  if (typeof json !== "object" || json === null || typeof encoded !== "object" || encoded === null) return json
  const own = (key: PropertyKey): unknown => Reflect.get(encoded, key)
  if (Array.isArray(json)) return json.map((item, index) => withoutUndefined(item, own(index)))
  return Object.fromEntries(
    Object.entries(json)
      .filter(([key]) => !Object.hasOwn(encoded, key) || own(key) !== undefined)
      .map(([key, value]) => [key, withoutUndefined(value, own(key))])
  )
}

/**
 * The values of an application's schema as JSON text, for a store. Both majors write and read the same text. The encoding
 * of a schema need not be JSON in Effect 4: that of `Schema.Date` is a `Date`. So a codec for JSON is derived from it.
 */
export const jsonText = <A, I>(schema: Schema.Codec<A, I>): Schema.Codec<A, string> => {
  const codec = Schema.toCodecJson(schema)
  const decode = SchemaParser.decodeUnknownEffect(codec)
  const encode = SchemaParser.encodeEffect(codec)
  const encodeOwn = SchemaParser.encodeEffect(schema)
  return Schema.fromJsonString(Schema.Unknown).pipe(Schema.decodeTo(
    Schema.toType(schema),
    SchemaTransformation.transformEffect<A, unknown>({
      decode,
      encode: (value, options) => Effect.zipWith(encode(value, options), encodeOwn(value, options), withoutUndefined)
    })
  ))
}

// -------------------------------------------------------------------------------------
// decoding
// -------------------------------------------------------------------------------------

const pathsOf = (issue: SchemaIssue.Issue): ReadonlyArray<ReadonlyArray<PropertyKey>> => {
  const paths: Array<ReadonlyArray<PropertyKey>> = []
  const visit = (issue: SchemaIssue.Issue, path: ReadonlyArray<PropertyKey>): void => {
    switch (issue._tag) {
      case "Pointer":
        return visit(issue.issue, path.concat(issue.path))
      case "Composite":
      case "AnyOf":
        if (issue.issues.length === 0) break
        return issue.issues.forEach((inner) => visit(inner, path))
      case "Filter":
      case "Encoding":
        return visit(issue.issue, path)
    }
    paths.push(path)
  }
  visit(issue, [])
  return paths
}

/**
 * Decodes, or returns the paths that do not fit, such as `team.id`. There are none if the whole value does not. With
 * `closed`, a key that the schema does not have does not fit.
 */
export const decoder = <A, I>(schema: Schema.Codec<A, I>, { closed = false } = {}) => {
  const decode = SchemaParser.decodeUnknownResult(schema, {
    errors: "all",
    onExcessProperty: closed ? "error" : "ignore"
  })
  return (value: unknown): Result.Result<A, ReadonlyArray<string>> =>
    Result.mapError(decode(value), (issue) => deepest(pathsOf(issue)))
}
