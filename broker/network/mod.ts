/**
 * Client connections: requests in, responses out, and fairness between clients.
 *
 * The `Server` accepts connections while file descriptors are available (`refusals.ts` logs refused
 * connections once). A `Connection` reads frames, waits for its turn (`Turns`), decodes each
 * request and calls its handler; a request in progress is a `PendingRequest`. The `ResponseQueue`
 * sends responses in request order and counts their memory. `frame_memory.ts` bounds the memory
 * that large frames use. `failures.ts` classifies errors, and `error_response.ts` puts one into the
 * form of its API. A client that leaves a request half sent or its responses unread is detected by
 * `Stall`; one that speaks HTTP or TLS gets an explanation (`foreign_protocol.ts`).
 *
 * A connection of a SASL listener begins in `sasl/`: `authentication.ts` serves it until its client has
 * authenticated, with small frames and limits on all of them together
 * (`unauthenticated_connections.ts`). Only then is it a `Connection`, and may authenticate again
 * (`reauthentication.ts`). Before that a connection of a TLS listener completes its handshake
 * (`tls_entrance.ts`); listeners are in `tls/`.
 *
 * @module
 */

export { Server } from "./server.ts";
