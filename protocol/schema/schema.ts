/**
 * Declares messages as data.
 *
 * A message is a list of fields in wire order. A field has a type, the versions that carry it, the
 * versions in which it may be null, a default and, for tagged fields (KIP-482), a tag. One
 * declaration serves every version: `codec.ts` derives encoder and decoder from it, and TypeScript
 * infers two views of the object. `Decoded` has every field, with defaults where the version
 * carries none. In `Encodable`, fields that declare a default may be omitted.
 *
 * A declaration starts with its versions; without them, a field is carried whenever the struct or
 * message around it is.
 *
 * ```ts
 * const heartbeat = message("HeartbeatRequest", "0-4", "4+", {
 *   groupId: string(),
 *   generationId: int32(),
 *   memberId: string(),
 *   groupInstanceId: string("3+", { nullable: "3+", default: null }),
 * });
 * ```
 *
 * @module
 */

import { ALL_VERSIONS, NO_VERSIONS, type VersionRange, versionRange } from "./version_range.ts";
import { ZERO_UUID } from "../primitives/uuid.ts";

/** Types without parameters. */
export type ScalarType =
  | "bool"
  | "int8"
  | "int16"
  | "uint16"
  | "int32"
  | "int64"
  | "float64"
  | "uuid"
  | "string"
  | "bytes"
  | "records";

/** Options of a field in addition to its type and versions. */
export interface FieldOptions<T> {
  /**
   * The value in versions that do not carry the field; fields with a default may be omitted in
   * `Encodable`.
   */
  readonly default?: T | null;
  /** Versions in which the field may be null. */
  readonly nullable?: string;
  /** The tag, for a field in the tag buffer. */
  readonly tag?: number;
  /** Versions in which the field is tagged; in others it is part of the body. */
  readonly tagged?: string;
  /** Whether a version that cannot carry the field drops its value instead of rejecting it. */
  readonly ignorable?: boolean;
}

/** One field of a message; the type parameters are the types it decodes to and encodes from. */
export interface Field<D = unknown, E = unknown, HasDefault extends boolean = boolean> {
  /** Type of the field. */
  readonly type: ScalarType | "array" | "struct";
  /** Versions that carry the field. */
  readonly versions: VersionRange;
  /** Versions in which the field may be null. */
  readonly nullable: VersionRange;
  /** The tag, if there is one. */
  readonly tag: number | undefined;
  /** Versions in which the field is tagged. */
  readonly tagged: VersionRange;
  /** Whether a default is declared, so `Encodable` may omit the field. */
  readonly hasDefault: HasDefault;
  /** The declared default, or the one implied by the type. */
  readonly default: unknown;
  /** Whether a version that cannot carry the field drops its value. */
  readonly ignorable: boolean;
  /** The element of an array. */
  readonly element: Field | undefined;
  /** The fields of a struct. */
  readonly fields: Fields | undefined;
  /** For types only; never present at run time. */
  readonly "~types"?: { decoded: D; encodable: E };
}

/** The fields of a message or struct, in wire order. */
export interface Fields {
  /** A field by its name, in camelCase. */
  readonly [name: string]: Field;
}

/** The type that a field decodes to. */
export type DecodedField<F> = F extends Field<infer D, infer _E> ? D : never;
/** The type that a field encodes from. */
export type EncodableField<F> = F extends Field<infer _D, infer E> ? E : never;
/** Merges an intersection of object types into one. */
export type Flatten<T> = { [K in keyof T]: T[K] } & unknown;

/** The object that a decoder returns for these fields. */
export type DecodedFields<F extends Fields> = {
  -readonly [K in keyof F]: DecodedField<F[K]>;
};

/** The object that an encoder takes for these fields. */
export type EncodableFields<F extends Fields> = Flatten<
  & { [K in keyof F as F[K]["hasDefault"] extends true ? never : K]: EncodableField<F[K]> }
  & { [K in keyof F as F[K]["hasDefault"] extends true ? K : never]?: EncodableField<F[K]> }
>;

// deno-lint-ignore no-explicit-any
type AnyOptions = FieldOptions<any>;
/** `null` if the options of a field allow it, else `never`. */
export type NullOf<O> = O extends { nullable: string } ? null
  : O extends { default: null } ? null
  : never;
/** Whether the options of a field declare a default. */
export type DefaultOf<O> = O extends { default: unknown } ? true : false;

function field(
  type: Field["type"],
  given: string | undefined,
  options: AnyOptions,
  implied: unknown,
  inside: { element?: Field; fields?: Fields } = {},
): Field {
  const hasDefault = "default" in options;
  const versions = given === undefined ? ALL_VERSIONS : versionRange(given);
  const tagged = options.tagged === undefined ? versions : versionRange(options.tagged);
  return {
    type,
    versions,
    nullable: options.nullable === undefined ? NO_VERSIONS : versionRange(options.nullable),
    tag: options.tag,
    tagged: options.tag === undefined ? NO_VERSIONS : tagged,
    hasDefault,
    default: hasDefault ? options.default : implied,
    ignorable: options.ignorable ?? false,
    element: inside.element,
    fields: inside.fields,
  };
}

/** Declares a field of one scalar type, in the given versions or in all of the struct around it. */
export interface ScalarField<D, E = D> {
  /** In the given versions. */
  <const O extends FieldOptions<E>>(
    versions: string,
    options?: O,
  ): Field<D | NullOf<O>, E | NullOf<O>, DefaultOf<O>>;
  /** In all versions of the struct or message around it. */
  <const O extends FieldOptions<E>>(
    options?: O,
  ): Field<D | NullOf<O>, E | NullOf<O>, DefaultOf<O>>;
}

function scalar<D, E = D>(type: ScalarType, implied: E): ScalarField<D, E> {
  return ((...given: [versions?: string | AnyOptions, options?: AnyOptions]) => {
    const [versions, options = {}] = withVersions<[AnyOptions?]>(given);
    return field(type, versions, options, implied);
  }) as ScalarField<D, E>;
}

/** Arguments of a declaration, with undefined in front if they do not start with versions. */
function withVersions<R extends unknown[]>(
  given: readonly unknown[],
): [versions: string | undefined, ...R] {
  return (typeof given[0] === "string" ? given : [undefined, ...given]) as never;
}

/** A boolean in one byte. */
export const bool: ScalarField<boolean> = scalar<boolean>("bool", false);
/** A signed 8-bit integer. */
export const int8: ScalarField<number> = scalar<number>("int8", 0);
/** A signed 16-bit integer. */
export const int16: ScalarField<number> = scalar<number>("int16", 0);
/** An unsigned 16-bit integer. */
export const uint16: ScalarField<number> = scalar<number>("uint16", 0);
/** A signed 32-bit integer. */
export const int32: ScalarField<number> = scalar<number>("int32", 0);
/** A signed 64-bit integer within ±(2^53 − 1). */
export const int64: ScalarField<number> = scalar<number>("int64", 0);
/** An IEEE 754 double. */
export const float64: ScalarField<number> = scalar<number>("float64", 0);
/** A UUID as 22 characters of base64url. */
export const uuid: ScalarField<string> = scalar<string>("uuid", ZERO_UUID);
/** UTF-8 text of at most 32767 bytes. */
export const string: ScalarField<string> = scalar<string>("string", "");
/** Bytes; decoded as a view of the frame. */
export const bytes: ScalarField<Uint8Array> = scalar<Uint8Array>("bytes", new Uint8Array(0));
/**
 * Record batches; decoded as a view of the frame, encoded by reference. Always nullable in
 * practice.
 */
export const records: ScalarField<Uint8Array, Uint8Array | readonly Uint8Array[]> = scalar<
  Uint8Array,
  Uint8Array | readonly Uint8Array[]
>("records", null as unknown as Uint8Array);

/** An array of `T` with options `O`. */
export type ArrayField<T, O> = Field<
  DecodedOf<T>[] | NullOf<O>,
  readonly EncodableOf<T>[] | NullOf<O>,
  DefaultOf<O>
>;

/** Declares an array. `element` is a field, whose versions do not matter, or the fields of a struct. */
export function array<
  const T extends Field | Fields,
  const O extends FieldOptions<readonly EncodableOf<T>[]>,
>(versions: string, element: T, options?: O): ArrayField<T, O>;
/** Declares an array that is carried whenever the struct around it is. */
export function array<
  const T extends Field | Fields,
  const O extends FieldOptions<readonly EncodableOf<T>[]>,
>(element: T, options?: O): ArrayField<T, O>;
export function array(...given: unknown[]): unknown {
  const [versions, element, options = {}] = withVersions<[Field | Fields, AnyOptions?]>(given);
  const inside = isField(element) ? element : struct(element);
  return field("array", versions, options, [], { element: inside });
}

/** The type that an element of an array decodes to. */
export type DecodedOf<T> = T extends Field ? DecodedField<T>
  : T extends Fields ? DecodedFields<T>
  : never;
/** The type that an element of an array encodes from. */
export type EncodableOf<T> = T extends Field ? EncodableField<T>
  : T extends Fields ? EncodableFields<T>
  : never;

function isField(value: Field | Fields): value is Field {
  return typeof value.type === "string";
}

/** A struct of fields `F` with options `O`. */
export type StructField<F extends Fields, O> = Field<
  DecodedFields<F> | NullOf<O>,
  EncodableFields<F> | NullOf<O>,
  DefaultOf<O>
>;

/** Declares a nested struct. */
export function struct<const F extends Fields, const O extends FieldOptions<EncodableFields<F>>>(
  versions: string,
  fields: F,
  options?: O,
): StructField<F, O>;
/** Declares a nested struct that is carried whenever the struct around it is. */
export function struct<const F extends Fields, const O extends FieldOptions<EncodableFields<F>>>(
  fields: F,
  options?: O,
): StructField<F, O>;
export function struct(...given: unknown[]): unknown {
  const [versions, fields, options = {}] = withVersions<[Fields, AnyOptions?]>(given);
  return field("struct", versions, options, undefined, { fields });
}

/** A message: a request, a response, a header, or a record of an internal topic. */
export interface Message<F extends Fields = Fields> {
  /** Kafka's name of the message. */
  readonly name: string;
  /** Supported versions. */
  readonly versions: VersionRange;
  /** Versions that use compact types and tag buffers (KIP-482). */
  readonly flexible: VersionRange;
  /** Its fields in wire order. */
  readonly fields: F;
}

/** The result of decoding a message. */
export type Decoded<M> = M extends Message<infer F> ? DecodedFields<F> : never;

/** The input for encoding a message. */
export type Encodable<M> = M extends Message<infer F> ? EncodableFields<F> : never;

/** Declares a message. */
export function message<const F extends Fields>(
  name: string,
  versions: string,
  flexible: string,
  fields: F,
): Message<F> {
  return { name, versions: versionRange(versions), flexible: versionRange(flexible), fields };
}

/** An API: its key and the two messages of an exchange. */
export interface Api<Req extends Fields = Fields, Res extends Fields = Fields> {
  /** The number that identifies the API in a request header. */
  readonly key: number;
  /** Kafka's name of the API. */
  readonly name: string;
  /** Supported versions. */
  readonly versions: VersionRange;
  /** The request. */
  readonly request: Message<Req>;
  /** The response. */
  readonly response: Message<Res>;
}

/** A decoded request of an API, as received by a handler. */
export type RequestOf<A extends Api> = Decoded<A["request"]>;
/** A response of an API, as returned by a handler. */
export type ResponseTo<A extends Api> = Encodable<A["response"]>;
/** A request of an API, as sent by a client. */
export type RequestTo<A extends Api> = Encodable<A["request"]>;
/** A decoded response of an API, as received by a client. */
export type ResponseOf<A extends Api> = Decoded<A["response"]>;

/** Declares an API. */
export function api<const Req extends Fields, const Res extends Fields>(declaration: {
  readonly key: number;
  readonly name: string;
  readonly versions: string;
  readonly flexible: string;
  readonly request: Req;
  readonly response: Res;
}): Api<Req, Res> {
  const { key, name, versions, flexible } = declaration;
  return {
    key,
    name,
    versions: versionRange(versions),
    request: message(`${name}Request`, versions, flexible, declaration.request),
    response: message(`${name}Response`, versions, flexible, declaration.response),
  };
}
