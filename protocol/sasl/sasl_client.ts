/**
 * The client's side of a SASL exchange.
 *
 * @module
 */

/** One exchange of a client. The server accepts it when it sends no more errors and `isComplete`. */
export interface SaslClient {
  /** The mechanism's name, as in SaslHandshake. */
  readonly mechanism: string;
  /** Whether nothing is left to send, and the server has proved what the mechanism makes it prove. */
  readonly isComplete: boolean;
  /** The first message. */
  start(): Uint8Array;
  /**
   * The response to a message of the server; `undefined` if none follows.
   *
   * @throws {SaslMessageError} If the server's message is malformed or does not prove what it must.
   */
  respond(challenge: Uint8Array): Promise<Uint8Array | undefined>;
}
