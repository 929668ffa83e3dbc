/**
 * Kafka's primitive types. `Reader` reads them from the bytes of a frame and `Writer` writes them;
 * `int64.ts` defines how an int64 is represented as a number, `uuid.ts` the text form of UUIDs.
 *
 * @module
 */

export { MalformedMessageError, Reader } from "./reader.ts";
export { randomUuid, uuidToBytes, uuidToString, ZERO_UUID } from "./uuid.ts";
export { type Chunks, UnencodableValueError, Writer } from "./writer.ts";
