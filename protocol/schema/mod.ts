/**
 * Messages as data. `schema.ts` declares a message, one declaration for all its versions
 * (`version_range.ts`), from which TypeScript infers the types. `codec.ts` compiles a declaration
 * and a version to an encoder and a decoder, as JavaScript without version checks.
 *
 * @module
 */

export { type Codec, codec } from "./codec.ts";
export * from "./schema.ts";
export { inRange, type VersionRange, versionRange } from "./version_range.ts";
