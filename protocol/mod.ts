/**
 * Kafka's wire protocol: everything that has to be known to read and write it, and nothing that
 * opens a socket or a file.
 *
 * How the files work together, from the bytes up:
 *
 * - `reader.ts` and `writer.ts` know the primitive types. A reader never leaves its frame, and what
 *   it gives out are views of it; a writer takes large byte ranges by reference.
 * - `int64.ts` says what number stands for an int64 that is too large for one.
 * - `schema.ts` lets a message be declared as data, one declaration for all its versions, and
 *   TypeScript infer the objects. `version_range.ts` and `uuid.ts` are parts of it.
 * - `messages/` declares Kafka's APIs that way, one file each.
 * - `codec.ts` makes an encoder and a decoder out of a declaration and a version, once, as
 *   JavaScript that has no version tests left in it.
 * - `headers.ts` knows what stands in front of the messages, `framing.ts` cuts byte streams into
 *   frames and gathers frames into writes, `channel.ts` is one end of a connection, over a socket
 *   or within one process.
 * - `records/` views, checks and builds the batches that Produce and Fetch carry as opaque bytes,
 *   and `compression/` packs and unpacks their records.
 * - `errors.ts` is the table of error codes.
 *
 * A frame is thus read as: `FrameChannel.next()`, `new Reader(frame)`, `readRequestHeader()`,
 * `apiByKey()`, `codec(api.request, version).decode()`; and written the same way back.
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
/** The APIs by name, apart because one of them is `fetch`. */
export * as messages from "./messages/mod.ts";
export { apiByKey, APIS } from "./messages/mod.ts";
export { MalformedMessageError, Reader } from "./reader.ts";
export * from "./records/mod.ts";
export * from "./schema.ts";
export { randomUuid, uuidToBytes, uuidToString, ZERO_UUID } from "./uuid.ts";
export { inRange, type VersionRange, versionRange } from "./version_range.ts";
export { type Chunks, UnencodableValueError, Writer } from "./writer.ts";
