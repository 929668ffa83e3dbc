/** A violation of the protocol that only closing the connection can answer. */
export class ProtocolViolationError extends Error {
  override name = "ProtocolViolationError";
}
