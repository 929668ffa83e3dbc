/**
 * Client connections: requests in, responses out, and fairness between clients.
 *
 * The `Server` accepts connections while file descriptors are available (`refusals.ts` logs refused
 * connections once). A `Connection` reads frames, waits for its turn (`Turns`), decodes each
 * request, calls its handler, and sends responses in request order; a request in progress is a
 * `PendingRequest`. `frame_memory.ts` bounds the memory that large frames use. `error_response.ts`
 * turns a failure into an error response of the API. A client that leaves a request half sent or
 * its responses unread is detected by `Stall`; one that speaks HTTP or TLS gets an explanation
 * (`foreign_protocol.ts`).
 *
 * @module
 */

export { Server } from "./server.ts";
