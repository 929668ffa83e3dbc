/** The client did something that has no answer but the end of its connection. */
export class ProtocolViolationError extends Error {
  override name = "ProtocolViolationError";
}
