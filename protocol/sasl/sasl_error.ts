/**
 * The error of a message of SASL that cannot be read.
 *
 * @module
 */

/** Thrown when a message of a SASL exchange is malformed. The text has no part of any secret. */
export class SaslMessageError extends Error {
  /** The name of the class. */
  override name = "SaslMessageError";
}

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const ENCODER = new TextEncoder();

/** Decodes a message. @throws {SaslMessageError} If it is not UTF-8. */
export function textOf(message: Uint8Array): string {
  try {
    return DECODER.decode(message);
  } catch {
    throw new SaslMessageError("The message is not UTF-8");
  }
}

/** Encodes a message. */
export function bytesOf(message: string): Uint8Array {
  return ENCODER.encode(message);
}
