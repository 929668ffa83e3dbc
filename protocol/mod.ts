/**
 * Kafka's wire protocol: messages, frames, record batches and error codes. Nothing in it opens a
 * socket or a file.
 *
 * How the files work together, from the bytes up:
 *
 * - `primitives/` reads and writes the primitive types. A reader never reads outside its frame and
 *   returns views of it; a writer takes large byte ranges by reference.
 * - `schema/` declares a message as data, one declaration for all its versions, from which TypeScript
 *   infers the types, and compiles it to an encoder and a decoder for each version.
 * - `messages/` has the declarations of Kafka's APIs, one file each. It is imported on its own, as
 *   `@dqueue/dqueue/protocol/messages`: the types of its exports are inferred from the declarations.
 * - `frames/` splits byte streams into frames and gathers frames into writes, has the headers in front
 *   of messages, and the channels that connect a client and a broker.
 * - `records/` reads, checks and builds the record batches that Produce and Fetch carry as opaque
 *   bytes, and `compression/` compresses and decompresses their records.
 * - `sasl/` has the messages and formulas of authentication that client and broker share.
 * - `errors.ts` is the table of error codes, `api_name.ts` has the names of all APIs, and
 *   `consumer_protocol.ts` the data that members of classic consumer groups exchange. `suggest.ts`
 *   corrects mistyped names in the messages of every folder.
 *
 * A frame is read with `FrameChannel.next()`, `new Reader(frame)`, `readRequestHeader()`,
 * `apiByKey()` and `codec(api.request, version).decode()`, and written in the reverse order.
 *
 * ```ts
 * import { codec, Reader, Writer } from "@dqueue/dqueue/protocol";
 * import { heartbeat } from "@dqueue/dqueue/protocol/messages";
 *
 * const { encode, decode } = codec(heartbeat.request, 4);
 * const writer = new Writer();
 * encode(writer, { groupId: "readers", generationId: 1, memberId: "me" });
 * decode(new Reader(writer.takeBytes())).groupInstanceId; // null, the default
 * ```
 *
 * Spec: https://kafka.apache.org/protocol.html
 *
 * @module
 */

export * from "./compression/mod.ts";
export {
  ErrorCode,
  type ErrorEntry,
  type ErrorInfo,
  errorInfo,
  type ErrorName,
  ERRORS,
} from "./errors.ts";
export * from "./frames/mod.ts";
export { apiByKey, APIS } from "./messages/mod.ts";
export * from "./primitives/mod.ts";
export * from "./records/mod.ts";
export * from "./schema/mod.ts";
