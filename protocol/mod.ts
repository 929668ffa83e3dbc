/**
 * Kafka's wire protocol: messages, frames, record batches and error codes. Nothing in it opens a
 * socket or a file.
 *
 * How the files work together, from the bytes up:
 *
 * - `reader.ts` and `writer.ts` handle the primitive types. A reader never reads outside its frame
 *   and returns views of it; a writer takes large byte ranges by reference.
 * - `int64.ts` defines how an int64 is represented as a number.
 * - `schema.ts` declares a message as data, one declaration for all its versions, from which
 *   TypeScript infers the types. `version_range.ts` and `uuid.ts` support it.
 * - `messages/` has the declarations of Kafka's APIs, one file each.
 * - `codec.ts` compiles a declaration and a version to an encoder and a decoder, as JavaScript
 *   without version checks.
 * - `headers.ts` has the request and response headers, `framing.ts` splits byte streams into frames
 *   and gathers frames into writes, and `channel.ts` is one end of a connection, over a socket or
 *   within one process.
 * - `records/` reads, checks and builds the record batches that Produce and Fetch carry as opaque
 *   bytes, and `compression/` compresses and decompresses their records.
 * - `errors.ts` is the table of error codes.
 *
 * A frame is read with `FrameChannel.next()`, `new Reader(frame)`, `readRequestHeader()`,
 * `apiByKey()` and `codec(api.request, version).decode()`, and written in the reverse order.
 *
 * ```ts
 * import { codec, messages, Reader, Writer } from "@dqueue/dqueue/protocol";
 *
 * const { encode, decode } = codec(messages.heartbeat.request, 4);
 * const writer = new Writer();
 * encode(writer, { groupId: "readers", generationId: 1, memberId: "me" });
 * decode(new Reader(writer.takeBytes())).groupInstanceId; // null, the default
 * ```
 *
 * Spec: https://kafka.apache.org/protocol.html
 *
 * @module
 */

export * from "./channel.ts";
export { type Codec, codec } from "./codec.ts";
export * from "./compression/mod.ts";
export { ErrorCode, type ErrorInfo, errorInfo, type ErrorName } from "./errors.ts";
export * from "./framing.ts";
export * from "./headers.ts";
/** The APIs by name; a namespace of their own, because one of them is `fetch`. */
export * as messages from "./messages/mod.ts";
export { apiByKey, APIS } from "./messages/mod.ts";
export { MalformedMessageError, Reader } from "./reader.ts";
export * from "./records/mod.ts";
export * from "./schema.ts";
export { randomUuid, uuidToBytes, uuidToString, ZERO_UUID } from "./uuid.ts";
export { inRange, type VersionRange, versionRange } from "./version_range.ts";
export { type Chunks, UnencodableValueError, Writer } from "./writer.ts";
